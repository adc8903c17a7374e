"""Discover the causal graph over latents and draw it.

draw.py results/athlete/default/seed-0                      the graph that the model learned
draw.py results/athlete/default/seed-0 --beside pc          beside that of PC, with 100 bootstrap samples
draw.py results/athlete/default/seed-0 --method pc          that of PC alone
draw.py results/athlete/default/seed-*                      what the models of several seeds agree on
draw.py latents.npy --names s1,s2,z11,z12,z21 --method fci  FCI on the latents in a file
draw.py --published celeb                                   a graph of the paper
draw.py results/athlete/default/seed-0 --compare athlete    beside the paper's graph (real people only)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.graphs.choices import Test
from personax.runs.bounds import FAR, Between, FilePath, Level, Processes, Seed, Share
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.runs.workers import Workers

COST_NOTE = (
    "Time for 100 resamples of 9,444 people with 18 latents on 2 cores: pc with fisherz takes 20 s (2 min if "
    "nearly all latents depend on each other), fci and ges up to twice as long, pc with rcit an hour (20 to "
    "70 ms per test). The time of a kci test is linear in the number of people: with 9,444 people 0.1 s "
    "given one latent and 0.3 to 0.7 s given more, less if the same were given before. A single graph takes "
    "5 minutes, so use kci with few --resamples."
)


@dataclass(frozen=True)
class DrawConfig(Workers):
    """One graph: its source, background knowledge, and how it is drawn."""

    sources: list[FilePath] = field(default_factory=list)
    """Run folders (several: seeds of one experiment), or one .npy, .parquet or .csv file of latents."""
    published: str | None = None
    """Draw a graph of the paper instead: athlete or celeb."""
    method: Literal["auto", "learned", "pc", "fci", "ges"] = "auto"
    """learned: take the graph that the model learned, from the run folder. pc, fci, ges: estimate the graph
    from the latents. auto: learned where all run folders have such a graph and no option of the estimation
    (from --test to --resample, from --knowledge to --forbid) is given; else pc."""
    beside: Literal["pc", "fci", "ges"] | None = None
    """Also estimate the graph with this method, and draw it beside the first."""
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
    resample: Literal["auto", "bootstrap", "half"] = "auto"
    """bootstrap: draw the same number of people, with replacement. half: draw half of the people, without
    replacement; this finds fewer edges by chance. auto: half with kci, else bootstrap."""
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
    jobs: Processes = where_or_how(-1)
    """Number of resamples at a time, each in its own process with one thread; -1: one per core."""
    seed: Seed = 0
    """Seed of the resamples and of the random features of rcit."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DrawConfig,
        "personax.experiments.graph.command:run_draw",
        argv,
        description=__doc__ or "",
        epilog=COST_NOTE,
        positional=("sources", "run folders, or one file of latents"),
        usual=(
            "sources published method test resamples names compare knowledge labels title output overwrite"
        ),
    )
