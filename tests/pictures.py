"""Checks of pictures: that something is drawn, and which words are in it."""

import re
from pathlib import Path

import numpy as np
from matplotlib.image import imread


def is_drawn(png: Path) -> bool:
    """Whether a PNG is a picture of some size in which not all pixels are alike."""
    pixels = np.asarray(imread(png))[..., :3]
    return min(pixels.shape[:2]) > 100 and float(np.ptp(pixels)) > 0.5


def words_in(svg: Path) -> set[str]:
    """All texts of an SVG; matplotlib writes each as a comment before its shapes."""
    return set(re.findall(r"<!-- (.*?) -->", svg.read_text(encoding="utf-8")))
