"""Finished runs as one web page: a single HTML file that needs no network.

Examples:
  report.py results/independence/athlete          one run: writes report.html into its folder
  report.py results/athlete/default/seed-0 --output athlete.html
  report.py results/athlete/default               all seeds, compared
  report.py results/independence/athlete results/athlete/default/seed-0 --output both.html

The page has a section for every kind of result that a folder holds: the heatmap of Level I with p, effect and
interval at the pointer, p-values that sort and filter, graphs whose nodes can be dragged, scores against the
truth, diagnostics, and how to make it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from personax.runs.bounds import FilePath, Positive
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class ReportConfig:
    """Which folders the page shows, and how much of them."""

    folders: list[FilePath] = field(default_factory=list)
    """Run folders of any command, or folders that hold the runs of several seeds."""
    title: str | None = None
    """Heading of the page. Default: the names of the folders."""
    figures: bool = True
    """Also show the pictures in the folders, as many as the page has room for."""
    most_rows: Positive = 3000
    """Most rows of a table on the page; a longer one is cut, and says so."""
    output: FilePath | None = where_or_how(None)
    """The file that is written. Default: report.html in the folder, or in the one that holds all folders."""
    overwrite: bool = where_or_how(False)
    """Replace an existing file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ReportConfig,
        "personax.experiments.html_report.command:run_report",
        argv,
        description=__doc__ or "",
        positional=("folders", "finished run folders"),
        usual="title figures most_rows output overwrite",
    )
