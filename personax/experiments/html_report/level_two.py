"""Level II: the graph, what each latent depends on, and the scores of the latents."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from personax.crl.trust import IDENTIFIED, in_words
from personax.experiments.html_report.blocks import (
    Block,
    Column,
    DataTable,
    Facts,
    HeatCell,
    HeatMap,
    Note,
    Section,
    TableCell,
)
from personax.experiments.html_report.figures import STRENGTH, graph_row, measure_of
from personax.experiments.html_report.numbers import (
    number_cell,
    plain_text,
    raised,
    table_of_frame,
    with_arrows,
)
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.independence.report import pvalue_text
from personax.experiments.people.associations import NAMING_FEATURES, suggest_names
from personax.graphs.graph import Graph
from personax.graphs.graph_files import TitledGraph, published, published_names, read_labels
from personax.runs.run_folder import GRAPH, TRUE_GRAPH
from personax.runs.run_records import entry_at

ASSOCIATIONS, LABELS = "associations.csv", "labels.yaml"
NEEDED_ASSOCIATIONS = ("latent", "feature", "n", "log10_pvalue", "q_value", "effect", "rejected")
FULL_EFFECT = 0.5  # the deepest colour of an association at least stands for this effect
FREQUENCY_NOTE = (
    "Numbers at the edges, in percent: how often two latents are adjacent among resamples (or seeds), and, "
    "after the stroke, how often the edge then has this direction."
)
PROBABILITY_NOTE = (
    "Numbers at the edges, in percent: the probability that two latents are adjacent and, after the stroke, "
    "that the edge then has this direction. Both hold on simulated models."
)
STRENGTH_NOTE = "Numbers at the edges: the weight of the cause. It says how strong an edge is, not how sure."
NOTES = {"frequency": FREQUENCY_NOTE, "probability": PROBABILITY_NOTE, STRENGTH: STRENGTH_NOTE}
PUBLISHED_NOTE = (
    "The second graph is the paper's. The number of a latent within its block is arbitrary: z11 of this run "
    "need not be the paper's z11. Compare what the latents mean, not their numbers."
)
TRUTH_NOTE = (
    "The second graph is the true one, with each true latent under the name of the one matched to it."
)
SCORES_NOTE = (
    "R²: the share of the variance of true latents that can be predicted from the recovered ones, on rows "
    "that were not used for training. MCC: their mean correlation after matching. 1 is best for both. SHD: "
    "the number of edges that are missing, extra or wrongly directed; 0 is best."
)


def causal_graph(record: RunRecord) -> Section | None:
    """The graph of the run, beside the true or the published one if there is one, and its edges."""
    if not (record.path / GRAPH).exists():
        return None
    graph = Graph.from_json(record.path / GRAPH)
    other, note = graph_beside(record, graph)
    graphs = [graph, *([other.graph] if other else [])]
    titles = [title_of_graph(record), *([other.title] if other else [])]
    labels = [labels_of(record, graph), *([labels_beside(record, other)] if other else [])]
    tips = names_of_latents(record, graph)
    blocks: list[Block] = [
        *verdict_notes(record),
        graph_row(graphs, titles, labels, tips, "Drag a node, or move it with the arrow keys"),
    ]
    if measure := measure_of(graph):
        blocks.append(Note(NOTES[measure]))
    if note:
        blocks.append(Note(note))
    blocks.append(table_of_edges(graph))
    return Section("Causal graph", blocks)


def verdict_notes(record: RunRecord) -> list[Block]:
    """What the run says of its latents and their order without knowing the truth, if it says anything."""
    verdict = record.metrics.get("verdict")
    if verdict is None:
        return []
    text = f"Verdict of the run about itself, without the truth: {in_words(plain_text(verdict))}."
    return [Note(text, warning=verdict != IDENTIFIED)]


def title_of_graph(record: RunRecord) -> str:
    """How the graph was made, in a few words."""
    options = record.options
    if options.get("published"):
        return published(str(options["published"])).title
    if "sources" in options:
        method = str(options.get("method"))
        test = f", {options.get('test')}" if method in ("pc", "fci") else ""
        return f"{options.get('title') or record.name}: {method.upper() if test else method}{test}"
    return f"{record.name}: learned by the model"


def graph_beside(record: RunRecord, graph: Graph) -> tuple[TitledGraph | None, str]:
    """The graph to draw beside that of the run, and what has to be said of it; (None, "") without one."""
    if (record.path / TRUE_GRAPH).exists():
        truth = Graph.from_json(record.path / TRUE_GRAPH)
        return TitledGraph(truth, "truth"), TRUTH_NOTE
    name = published_of(record)
    if name and set(published(name).graph.names) == set(graph.names):
        return TitledGraph(published(name).graph, published(name).title), PUBLISHED_NOTE
    return None, ""


def published_of(record: RunRecord) -> str:
    """The name of the paper's graph of these people; "" for simulated people and other tables."""
    wanted = {str(record.options.get("dataset")), str(record.options.get("compare"))}
    found = wanted.intersection(published_names())
    return found.pop() if found and not record.simulated else ""


def labels_of(record: RunRecord, graph: Graph) -> dict[str, str]:
    """Node -> label, from the run's file or the paper."""
    if record.options.get("published"):
        return published(str(record.options["published"])).labels
    path = record.path / LABELS
    return read_labels(path, graph.names) if path.exists() else {}


def labels_beside(record: RunRecord, other: TitledGraph) -> dict[str, str]:
    """Node -> label of the second graph."""
    name = published_of(record)
    return published(name).labels if name and other.title == published(name).title else {}


def names_of_latents(record: RunRecord, graph: Graph) -> dict[str, str]:
    """Latent -> the features on which it depends most; {} if they were not tested."""
    associations = record.table(ASSOCIATIONS, NEEDED_ASSOCIATIONS)
    return {} if associations is None else suggest_names(associations, graph.names)


def table_of_edges(graph: Graph) -> DataTable:
    """The edges, the surest first."""
    edges = graph.table().sort_values("frequency", ascending=False, kind="stable")
    unknown = [name for name in ("frequency", "orientation_frequency", "weight") if edges[name].isna().all()]
    edges = edges.drop(columns=unknown)
    edges["mark"] = edges["mark"].map(with_arrows)
    known = {"orientation_frequency": "frequency of the direction"}
    if graph.calibrated:
        known = {"frequency": "probability", "orientation_frequency": "probability of the direction"}
    return table_of_frame(edges.rename(columns=known), "Edges")


def latent_associations(record: RunRecord) -> Section | None:
    """On which observed features each latent depends."""
    associations = record.table(ASSOCIATIONS, NEEDED_ASSOCIATIONS)
    if associations is None or associations.empty:
        return None
    note = (
        "Effect of the dependence (KCI) between latents and observed features. Bold: significant at the "
        f"run's false discovery rate. At most {NAMING_FEATURES} features suggest a name for a latent; such "
        "names are no findings."
    )
    return Section("What the latents depend on", [Note(note), association_map(associations)])


def association_map(associations: pd.DataFrame) -> HeatMap:
    """Features by latents, coloured by effect."""
    latents = list(dict.fromkeys(associations["latent"]))
    top = max(FULL_EFFECT, float(associations["effect"].max()))
    cells = {(row["feature"], row["latent"]): row for row in associations.to_dict("records")}
    rows = [
        (str(feature), [_association_cell(cells.get((feature, latent)), top) for latent in latents])
        for feature in dict.fromkeys(associations["feature"])
    ]
    scale = ("effect 0", f"effect {top:.2f}")
    return HeatMap("Latents against observed features", scale, "feature", list(map(str, latents)), rows)


def _association_cell(row: Mapping[Any, Any] | None, top: float) -> HeatCell:
    if row is None or np.isnan(row["effect"]):
        return HeatCell("–", None, "no test")
    verdict = "significant" if row["rejected"] else "not significant"
    p = raised(pvalue_text(row["log10_pvalue"]))
    tip = (
        f"{row['latent']} and {row['feature']}\np = {p}, q = {plain_text(row['q_value'])}\n"
        f"effect {row['effect']:.2f}, n = {int(row['n']):,}, {verdict}"
    )
    share = float(np.clip(row["effect"] / top, 0, 1))
    return HeatCell(f"{row['effect']:.2f}", share, tip, bold=bool(row["rejected"]))


def truth_scores(record: RunRecord) -> Section | None:
    """Latents and graph against the truth, where it is known."""
    metrics = record.metrics
    blocks: list[Block] = []
    if isinstance(metrics.get("truth"), Mapping):
        blocks += _scores_of_blocks(metrics["truth"])
    if isinstance(metrics.get("heldout"), Mapping):
        blocks.append(_scores_of_latents(metrics))
    graph = metrics.get("graph") or record.json("scores.json")
    if isinstance(graph, Mapping):
        rows = [(str(name).replace("_", " "), plain_text(value)) for name, value in graph.items()]
        blocks.append(Facts("The graph against the true one", rows))
    return Section("Scores against the truth", [Note(SCORES_NOTE), *blocks]) if blocks else None


def _scores_of_blocks(truth: Mapping[str, Any]) -> list[Block]:
    named = {"r2": "R²", "mcc": "MCC", "mcc_spearman": "MCC of ranks"}
    names = list(dict.fromkeys(block for key in named for block in truth.get(key) or {}))
    rows = [
        [TableCell(name), *(number_cell((truth.get(key) or {}).get(name)) for key in named)] for name in names
    ]
    columns = [Column("block"), *(Column(title, numeric=True) for title in named.values())]
    found: list[Block] = [DataTable("Each block of latents, on held-out rows", columns, rows)]
    if per_latent := truth.get("per_latent"):
        frame = (
            pd.DataFrame(per_latent).T.rename(columns={"r2": "R²"}).rename_axis("true latent").reset_index()
        )
        found.append(table_of_frame(frame, "Each true latent, on held-out rows"))
    return found


def _scores_of_latents(metrics: Mapping[str, Any]) -> DataTable:
    """R2, correlation, partner and supervised ceiling of each true latent."""
    heldout = metrics["heldout"]
    sources = {
        "R²": heldout.get("r2_per_latent"),
        "correlation": heldout.get("correlation_per_latent"),
        "matched to": heldout.get("matched_to"),
        "R² of the supervised ceiling": entry_at(metrics, "ceiling.r2_per_latent"),
    }
    known = {title: values for title, values in sources.items() if isinstance(values, Mapping)}
    names = list(dict.fromkeys(name for values in known.values() for name in values))
    rows = [
        [TableCell(name), *(number_cell(values.get(name)) for values in known.values())] for name in names
    ]
    mean = {"R²": heldout.get("r2"), "correlation": heldout.get("mcc_pearson")}
    mean["R² of the supervised ceiling"] = entry_at(metrics, "ceiling.r2")
    rows.append([TableCell("mean"), *(number_cell(mean.get(title)) for title in known)])
    columns = [Column("true latent"), *(Column(title, numeric=title != "matched to") for title in known)]
    return DataTable("Each true latent, on held-out rows", columns, rows)


def predictions(record: RunRecord) -> Section | None:
    """How well the latents predict what is known about the people, beside a PCA and an autoencoder."""
    per_column = entry_at(record.metrics, "prediction.per_column")
    if not isinstance(per_column, Mapping) or not per_column:
        return None
    frame = pd.DataFrame(per_column).T.rename_axis("column").reset_index()
    note = (
        "Held-out prediction of every observed column by linear maps from the latents, from a PCA and from "
        "an autoencoder of the same size. r2: share of explained variance; auc: 0.5 is chance; 1 is best "
        "for both."
    )
    table = table_of_frame(frame.infer_objects(), "Held-out prediction of observed columns")
    return Section("What the latents predict", [Note(note), table])
