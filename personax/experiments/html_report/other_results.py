"""What no other section shows: the tables, pages and pictures of the other commands."""

from pathlib import Path

from personax.experiments.html_report.blocks import Block, Document, Picture, Pictures, Section
from personax.experiments.html_report.conclusions import CLAIMS_TABLE, VARIANTS_TABLE
from personax.experiments.html_report.level_one import AGREEMENT, PVALUES
from personax.experiments.html_report.level_two import ASSOCIATIONS
from personax.experiments.html_report.numbers import table_of_frame
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.independence.report import SCORE_COUNTS
from personax.runs.files import read_text
from personax.runs.run_folder import FIGURES

SHOWN_ELSEWHERE = {PVALUES, AGREEMENT, SCORE_COUNTS, ASSOCIATIONS, CLAIMS_TABLE, VARIANTS_TABLE, "edges.csv"}
PAGES_SHOWN_ELSEWHERE = {"table.md", "diagnostics.md", "suggested_names.md", "sensitivity.md"}
# Beginning of the name of a picture -> what it shows.
SHOWN_IN = {
    "associations": "latents against traits and features, coloured by how strongly they go together",
    "graph": "the causal graph, latents as nodes and effects as arrows",
    "training": "objectives of both phases against the steps of training",
    "recovery": "recovered latents against the true ones, a panel for each pair",
    "samples": "examples of the pictures that were learned from",
    "pvalues": "p-values of traits against features as coloured cells",
    "effects": "sizes of the effects of traits against features as coloured cells",
    "intervals": "effects of traits and features with their intervals",
    "scores": "distributions of the scores of each language model",
    "rejections": "how many tests reject independence of each trait and feature",
    "marginal_and_given": "p-values without the given columns beside those with them",
    "diagnostics": "evidence for and against each assumption of the model",
    "sensitivity": "edges against variants, and traits against features, coloured by what holds",
    "downstream": "how well latents and embeddings predict traits and features, with intervals",
    "comparison": "two graphs, or the scores of all methods, side by side",
    "light_tunnel": "scores of all methods side by side",
    "ablations": "scores of the model without each of its parts",
    "trends": "scores against the number of scenes and of measurements",
    "scenes": "examples of the pictures that were learned from",
    "cells": "how often the verdict on each trait and feature changes with prompt and model",
    "selection": "candidates: stability and prediction without the truth",
    "radar": "agreement of raters for each trait as a radar chart",
    "distances": "distances between the answers to different prompts",
    "boxes": "distributions as boxes",
    "criteria": "language models against the criteria of the choice",
    "attacks": "how well attacks recover obfuscated embeddings",
    "latents": "latents of obfuscated embeddings beside those of the originals",
    "changes": "share of verdicts that change with prompt, repeat and model",
    "numerical": "scores of all methods in every case",
}
MOST_FILTERLESS = 12  # rows of a table that needs no fields to search it


def other_tables(record: RunRecord) -> Section | None:
    """Tables and pages that commands without a section of their own have written."""
    blocks: list[Block] = []
    for path in sorted(record.path.glob("*.md")):
        if path.name not in PAGES_SHOWN_ELSEWHERE:
            blocks.append(Document(words_of(path), read_text(path).strip(), folded=bool(blocks)))
    for path in sorted(record.path.glob("*.csv")):
        table = None if path.name in SHOWN_ELSEWHERE else record.table(path.name)
        if table is not None and not table.empty:
            blocks.append(table_of_frame(table, words_of(path), filtered=len(table) > MOST_FILTERLESS))
    return Section("Results", blocks) if blocks else None


def drawn_pictures(record: RunRecord) -> Section | None:
    """The PNG pictures of the folder."""
    paths = [*sorted(record.path.glob("*.png")), *sorted((record.path / FIGURES).glob("*.png"))]
    found = [Picture(words_of(path), path.read_bytes(), shown_in(path)) for path in paths]
    return Section("Figures", [Pictures(found)]) if found else None


def shown_in(path: Path) -> str:
    """What a picture shows, by its name.

    >>> shown_in(Path("pvalues_kci.png")), shown_in(Path("mine.png"))
    ('p-values of traits against features as coloured cells (kci)', 'a figure that the command has drawn')
    """
    known = [begin for begin in SHOWN_IN if path.stem == begin or path.stem.startswith(f"{begin}_")]
    if not known:
        return "a figure that the command has drawn"
    rest = path.stem.removeprefix(max(known, key=len)).strip("_").replace("_", " ")
    return SHOWN_IN[max(known, key=len)] + (f" ({rest})" if rest else "")


def words_of(path: Path) -> str:
    """The name of a file in words.

    >>> words_of(Path("marginal_and_given_kci.png"))
    'marginal and given kci'
    """
    return path.stem.replace("_", " ")
