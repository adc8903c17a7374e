"""The named choices of how a graph is estimated; the options of `draw` have these types."""

from typing import Literal

DiscoveryMethod = Literal["pc", "fci", "ges"]
Test = Literal["fisherz", "rcit", "kci"]
Resample = Literal["bootstrap", "half"]
