"""The options of the command `draw`."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.graphs.discovery import Test
from personax.graphs.stability import Resample
from personax.runs.bounds import FAR, Between, FilePath, Level, Seed, Share
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class DrawConfig:
    """One graph: its source, background knowledge, and how it is drawn."""

    sources: list[FilePath] = field(default_factory=list)
    """Run folders (several: seeds of one experiment), or one .npy, .parquet or .csv file of latents."""
    published: str | None = None
    """Draw a graph of the paper instead: athlete or celeb."""
    method: Literal["pc", "fci", "ges", "learned"] = "pc"
    """pc, fci, ges: estimate the graph from the latents. learned: read the graph that the model learned from
    the run folder."""
    test: Test = "fisherz"
    """Conditional independence test of pc and fci. fisherz detects linear dependence; rcit and kci also
    nonlinear dependence, but take longer (see below)."""
    alpha: Level = 0.05
    """Level of each test, in (0, 1)."""
    max_conditioning: Annotated[int, Between(-1, FAR)] = 4
    """Largest number of latents on which pc and fci condition; -1: no limit."""
    rows: Literal["all", "test"] = "all"
    """People from whom the graph is estimated: all of them, or those of the test split."""
    names: str | None = None
    """Names, separated by commas: of the columns of a .npy file, or of the columns of a table to use."""
    resamples: Annotated[int, Between(0, 1e6)] = 100
    """Number of resamples of the people, from which edge frequencies are computed; 0: no frequencies."""
    resample: Resample = "bootstrap"
    """bootstrap: draw the same number of people, with replacement. half: draw half of the people, without
    replacement; this finds fewer edges by chance."""
    min_frequency: Share = 0.0
    """Leave out edges that occur in a smaller share of the resamples. With several run folders, the share is
    at least 0.5."""
    knowledge: FilePath | None = None
    """YAML file of background knowledge, with any of the keys nothing_into_s, tiers, cross_modal and forbid.
    The options with these names override the file; arrows in --forbid are added."""
    nothing_into_s: bool | None = None
    """Forbid arrows into shared latents. It is true unless this option or the file says false."""
    tiers: str = ""
    """Groups of blocks or nodes, causes first, for example "s; image; text" or "z11, z12; z21"."""
    cross_modal: str | None = None
    """Arrows that are allowed between modalities, for example "image->text"; "none" allows none. Default:
    all."""
    forbid: str = ""
    """Arrows that are impossible, for example "z11->z12, z21->z11"."""
    compare: FilePath | None = None
    """Another graph to compare with: athlete, celeb, a graph.json, a folder with one, or an adjacency matrix
    in a .npy or .csv file."""
    labels: FilePath | None = None
    """YAML file that maps nodes to labels, which are written into the nodes."""
    title: str | None = None
    """Heading of the picture. Default: the name of the experiment."""
    output: FilePath | None = where_or_how(None)
    """Folder for the results. Default: graph-METHOD in the run folder."""
    overwrite: bool = where_or_how(False)
    """Replace an existing output folder."""
    jobs: Annotated[int, Between(-1, 1024)] = where_or_how(-1)
    """Number of processes for the resamples, each with one thread; -1: one per core. The result does not
    depend on it."""
    seed: Seed = 0
    """Seed of the resamples and of the random features of rcit and kci."""
