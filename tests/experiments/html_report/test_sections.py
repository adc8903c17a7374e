"""What the sections of a page say about folders with known content."""

from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest
from experiments.html_report.example_runs import (
    small_graph,
    write_level_one,
    write_level_two,
    write_run,
    write_sensitivity_run,
)

from personax.experiments.graph.config import DrawConfig
from personax.experiments.html_report.blocks import (
    Block,
    DataTable,
    Facts,
    GraphRow,
    HeatMap,
    Note,
    Section,
    ShareBars,
)
from personax.experiments.html_report.compare import (
    changed_verdicts,
    comparisons,
    different_options,
    edges_beside,
    metrics_beside,
    short_names,
)
from personax.experiments.html_report.conclusions import sensitivity
from personax.experiments.html_report.figures import graph_row
from personax.experiments.html_report.level_one import level_one, scores_of_models
from personax.experiments.html_report.level_two import (
    causal_graph,
    graph_beside,
    labels_beside,
    latent_associations,
    predictions,
    table_of_edges,
    truth_scores,
)
from personax.experiments.html_report.other_results import other_tables
from personax.experiments.html_report.provenance import subcommand_of, what_was_run
from personax.experiments.html_report.reading import RunRecord, read_record, read_records
from personax.experiments.html_report.run import SECTION_MAKERS
from personax.experiments.independence.facts import DataFacts, counts_of_scores
from personax.experiments.independence.report import table_of_score_counts
from personax.experiments.people.config import PeopleConfig
from personax.graphs.graph import Graph
from personax.graphs.graph_files import published
from personax.runs.files import read_json, write_json
from personax.runs.run_folder import GRAPH

Kind = TypeVar("Kind", bound=Block)


def block(section: Section | None, kind: type[Kind], place: int = 0) -> Kind:
    assert section is not None
    return [each for each in section.blocks if isinstance(each, kind)][place]


def notes(section: Section | None) -> str:
    assert section is not None
    return " ".join(each.text for each in section.blocks if isinstance(each, Note))


def one(folder: Path) -> RunRecord:
    return read_record(write_level_one(folder))


def test_the_heatmap_counts_rejections_and_its_tips_have_every_test(tmp_path: Path) -> None:
    heat = block(level_one(one(tmp_path / "a")), HeatMap)
    assert heat.columns == ["Openness", "Neuroticism"]
    height, league = (dict(heat.rows)[feature] for feature in ("Height", "League"))
    assert (height[0].text, height[0].share) == ("1/2", 0.5)
    assert (league[0].text, league[0].share) == ("0/1", 0.0)
    assert height[0].tip.splitlines() == [
        "Openness and Height",
        "KCI: p = 10⁻¹²·⁰, effect 0.50 [0.40, 0.60], n = 120, rejected",
        "Chi-square: p = 0.146, effect 0.43 [0.33, 0.53], n = 120, not rejected",
    ]
    assert league[0].tip.endswith("Chi-square: does not apply")


def test_the_table_of_pvalues_begins_with_the_smallest_and_ends_with_missing(tmp_path: Path) -> None:
    table = block(level_one(one(tmp_path / "a")), DataTable)
    texts = [[cell.text for cell in row] for row in table.rows]
    assert texts[0][:5] == ["aggregated", "Openness", "Height", "KCI", "10⁻¹²·⁰"]
    assert texts[-1][-1] == "does not apply"
    assert table.rows[0][4].order == pytest.approx(-12)
    assert table.filtered


def test_shares_of_scores_add_up_with_those_that_are_missing(tmp_path: Path) -> None:
    bars = block(scores_of_models(one(tmp_path / "a")), ShareBars)
    gemini = dict(dict(bars.groups)["Openness"])["gemini"]
    assert [share.name for share in gemini] == ["1", "3", "missing"]
    assert [share.share for share in gemini] == [0.4, 0.4, 0.2]
    assert gemini[2].colour is None


def test_score_counts_count_everybody_once() -> None:
    scores = {
        "gemini": counts_of_scores({"Openness": np.array([1.0, 3.0, np.nan, 3.0])}),
        "llama": counts_of_scores({"Openness": np.full(4, 2.0)}),
    }
    facts = DataFacts("people", "simulated", 4, True, None, pd.DataFrame(), scores, None)
    counts = table_of_score_counts(facts)
    assert counts.groupby("rater")["people"].sum().tolist() == [4, 4]
    assert counts[counts["rater"] == "gemini"]["score"].tolist()[:2] == [1.0, 3.0]


def test_without_scores_or_tests_there_is_no_section(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "a", PeopleConfig(), simulated=False))
    makers = (level_one, scores_of_models, causal_graph, latent_associations, truth_scores)
    assert [make(record) for make in makers] == [None] * len(makers)


def test_a_graph_of_simulated_people_stands_beside_the_truth(tmp_path: Path) -> None:
    section = causal_graph(read_record(write_level_two(tmp_path / "a")))
    row = block(section, GraphRow)
    assert [view.title for view in row.views] == ["a: learned by the model", "truth"]
    assert row.measure == "frequency"
    assert [(edge.sure, edge.head) for edge in row.views[0].edges] == [(0.95, "arrow"), (0.3, "arrow")]
    assert "Openness 0.55?" in row.views[0].nodes[1].tip
    assert [row[3].text for row in block(section, DataTable).rows] == ["0.950", "0.300"]
    first, second = row.views
    assert [node.centre for node in first.nodes] == [node.centre for node in second.nodes]


@pytest.mark.parametrize(
    ("verdict", "said", "warning"),
    [
        ("identified", "trust (identified)", False),
        ("latents uncertain: too few people", "doubt (latents uncertain: too few people)", True),
    ],
)
def test_the_graph_says_what_the_run_says_of_itself(
    tmp_path: Path, verdict: str, said: str, warning: bool
) -> None:
    folder = write_level_two(tmp_path / "a")
    write_json(folder / "metrics.json", read_json(folder / "metrics.json") | {"verdict": verdict})
    note = block(causal_graph(read_record(folder)), Note)
    assert note.text == f"Verdict of the run about itself, without the truth: {said}."
    assert note.warning == warning


def test_verdicts_and_metrics_stand_side_by_side(tmp_path: Path) -> None:
    folders = [write_level_two(tmp_path / name, seed=seed) for seed, name in enumerate(("a", "b"))]
    write_json(
        folders[1] / "metrics.json", read_json(folders[1] / "metrics.json") | {"verdict": "identified"}
    )
    write_json(folders[0] / "metrics.json", read_json(folders[0] / "metrics.json") | {"verdict": "not sure"})
    section = metrics_beside(short_names([read_record(folder) for folder in folders]))
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in block(section, DataTable).rows}
    assert rows["verdict"] == ["doubt (not sure)", "trust (identified)", "–", "–"]
    assert rows["criteria.representation"] == ["50.000", "51.000", "50.500", "0.707"]


def test_options_that_differ_stand_side_by_side(tmp_path: Path) -> None:
    folders = [write_level_two(tmp_path / name, seed=seed) for seed, name in enumerate(("a", "b"))]
    section = different_options(short_names([read_record(folder) for folder in folders]))
    rows = [[cell.text for cell in row] for row in block(section, DataTable).rows]
    assert rows == [["seed", "0", "1"]]


def test_what_latents_predict_has_a_row_for_each_column(tmp_path: Path) -> None:
    folder = write_level_two(tmp_path / "a")
    found = {
        "per_column": {"Height": {"score": "r2", "latents": 0.4}, "League": {"score": "auc", "latents": 0.9}}
    }
    write_json(folder / "metrics.json", read_json(folder / "metrics.json") | {"prediction": found})
    rows = [[cell.text for cell in row] for row in block(predictions(read_record(folder)), DataTable).rows]
    assert rows == [["Height", "r2", "0.400"], ["League", "auc", "0.900"]]


def test_a_graph_of_real_people_stands_beside_the_papers(tmp_path: Path) -> None:
    paper = published("athlete")
    record = read_record(write_run(tmp_path / "a", PeopleConfig(dataset="athlete"), simulated=False))
    other, note = graph_beside(record, paper.graph)
    assert other is not None
    assert other.title == paper.title
    assert other.graph.edge_texts() == paper.graph.edge_texts()
    assert labels_beside(record, other)["s1"] == "mindset"
    assert "need not be the paper's z11" in note


def test_latents_of_simulated_people_are_not_compared_with_the_papers(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path / "a", PeopleConfig(dataset="athlete"), simulated=True))
    assert graph_beside(record, published("athlete").graph) == (None, "")


def test_a_graph_without_edges_has_an_empty_table() -> None:
    table = table_of_edges(Graph(["a", "b"], np.zeros((2, 2), dtype=int)))
    assert table.rows == []
    assert [column.name for column in table.columns] == ["from", "to", "mark"]


def test_every_mark_of_an_edge_is_drawn() -> None:
    names = ["a", "b", "c", "d", "e"]
    marks = np.zeros((5, 5), dtype=int)
    for place, (there, back) in enumerate([(2, 3), (2, 2), (2, 1), (3, 3)]):
        marks[place, place + 1], marks[place + 1, place] = there, back
    alone = {name: [name] for name in names}  # one node a block, so that no places have to be searched
    graph = Graph(names, (marks > 0).astype(int), marks=marks, blocks=alone)
    edges = graph_row([graph], ["g"], [{}], {}, "").views[0].edges
    assert [(edge.tail, edge.head) for edge in edges] == [
        ("none", "arrow"),
        ("arrow", "arrow"),
        ("circle", "arrow"),
        ("none", "none"),
    ]
    assert [edge.tip for edge in edges] == ["a → b", "b ↔ c", "c o→ d", "d — e"]


def test_weights_are_the_measure_of_a_graph_without_frequencies() -> None:
    weights = np.array([[0, -0.72], [0, 0]])
    alone = {"one": ["a"], "two": ["b"]}
    graph = Graph(["a", "b"], (weights != 0).astype(int), weights=weights, blocks=alone)
    row = graph_row([graph], ["g"], [{}], {}, "")
    assert (row.measure, row.most, row.views[0].edges[0].sure) == ("absolute weight", 0.75, 0.72)


def test_associations_and_scores_against_the_truth_are_shown(tmp_path: Path) -> None:
    record = read_record(write_level_two(tmp_path / "a"))
    cell = dict(block(latent_associations(record), HeatMap).rows)["Openness"][0]
    assert (cell.text, cell.bold) == ("0.10", True)
    assert "p = 10⁻⁵·⁰" in cell.tip
    assert ("shd", "1") in block(truth_scores(record), Facts).rows


def test_an_unfinished_run_and_uncommitted_code_are_said(tmp_path: Path) -> None:
    config = PeopleConfig()
    write_run(
        tmp_path / "a", config, simulated=False, state="failed", reason="no room", uncommitted_changes=True
    )
    text = notes(what_was_run(read_record(tmp_path / "a")))
    assert "not finished: failed (no room)" in text
    assert "no commit holds" in text


@pytest.mark.parametrize("dataset", ["athlete", "celeb"])
def test_the_two_tables_of_people_have_their_own_command(dataset: str, tmp_path: Path) -> None:
    config = PeopleConfig(dataset=dataset)  # type: ignore[arg-type]  # mypy does not narrow parameters
    record = read_record(write_run(tmp_path / "a", config, simulated=False))
    assert subcommand_of(record.options) == dataset


def test_options_that_no_command_has_belong_to_none() -> None:
    assert subcommand_of({"seed": 1, "no_such_option": 2}) is None
    assert subcommand_of({}) is None


def test_changed_verdicts_are_those_that_differ(tmp_path: Path) -> None:
    folders = [write_level_one(tmp_path / "a"), write_level_one(tmp_path / "b", p_of_first=0.5)]
    section = changed_verdicts(short_names(read_records(folders)))
    assert "1 of the 8 tests" in notes(section)
    (row,) = block(section, DataTable).rows
    assert [cell.text for cell in row] == [
        *("aggregated", "Openness", "Height", "kci"),
        *("rejected (p 10⁻¹²·⁰)", "not rejected (p 0.500)"),
    ]


def test_edges_that_only_one_run_has_are_different(tmp_path: Path) -> None:
    folders = [write_level_two(tmp_path / f"seed-{seed}", seed=seed) for seed in (0, 1)]
    value = read_json(folders[1] / GRAPH)
    value["adjacency"][0][1] = 0
    write_json(folders[1] / GRAPH, value)
    section = edges_beside(short_names(read_records(folders)))
    assert "compared by name" in notes(section)
    texts = [[cell.text for cell in row] for row in block(section, DataTable).rows]
    assert texts == [
        ["s1 and z11", "s1 → z11", "–", "1 of 2", "different"],
        ["z11 and z21", "z11 → z21", "z11 → z21", "2 of 2", "the same"],
    ]


def test_latents_are_matched_before_their_edges_are_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    latents = pd.DataFrame(rng.normal(size=(60, 4)), columns=["z11", "z12", "z21", "z22"])
    adjacency = np.zeros((4, 4), dtype=int)
    adjacency[0, 2] = 1  # z11 -> z21
    blocks = {"image": ["z11", "z12"], "text": ["z21", "z22"]}
    folders = []
    for seed, order in enumerate(([0, 1, 2, 3], [1, 0, 2, 3])):  # the second run has z11 and z12 exchanged
        folder = write_run(tmp_path / f"seed-{seed}", PeopleConfig(seed=seed), simulated=False)
        renamed = latents.iloc[:, order].set_axis(latents.columns, axis=1)
        renamed.insert(0, "id", [f"p{i}" for i in range(60)])
        renamed.to_parquet(folder / "latents.parquet", index=False)
        Graph(list(latents.columns), adjacency[np.ix_(order, order)], blocks=blocks).to_json(folder / GRAPH)
        folders.append(folder)
    section = edges_beside(short_names(read_records(folders)))
    assert "were matched" in notes(section)
    (row,) = block(section, DataTable).rows
    assert [cell.text for cell in row] == ["z11 and z21", "z11 → z21", "z11 → z21", "2 of 2", "the same"]


def test_only_runs_of_one_command_are_compared(tmp_path: Path) -> None:
    graph_folder = write_run(tmp_path / "g", DrawConfig(sources=["x"]), simulated=False)
    small_graph(simulated=False).to_json(graph_folder / GRAPH)
    folders = [write_level_one(tmp_path / "a"), write_level_one(tmp_path / "b"), graph_folder]
    assert [part.title for part in comparisons(read_records(folders))] == ["2 runs of independence compared"]


def test_a_folder_of_many_runs_shows_its_tables_and_knows_that_they_are_simulated(tmp_path: Path) -> None:
    home = tmp_path / "comparison"
    write_run(home / "runs" / "ours" / "seed-0", PeopleConfig(), simulated=True)
    pd.DataFrame({"method": ["ours"], "R2": [0.99]}).to_csv(home / "runs.csv", index=False)
    record = read_record(home)
    assert record.simulated
    table = block(other_tables(record), DataTable)
    assert [cell.text for cell in table.rows[0]] == ["ours", "0.990"]
    assert "tables of several runs" in notes(what_was_run(record))


def test_the_section_on_sensitivity_has_the_rule_and_every_claim(tmp_path: Path) -> None:
    record = read_record(write_sensitivity_run(tmp_path / "run"))
    section = sensitivity(record)
    assert sensitivity in SECTION_MAKERS
    assert notes(section) == "robust: the rule"
    counts, edges, cells, variants = (block(section, DataTable, k) for k in range(4))
    assert [cell.text for cell in counts.rows[0]] == ["edges", "2", "1 (1 true)"]
    assert [cell.text for cell in edges.rows[1]] == ["z11", "z21", "—", "robust", "2", "2", "–"]
    assert [row[3].tone for row in edges.rows] == ["unsure", "good", "good"]
    assert [cell.text for cell in cells.rows[0]][2:5] == ["kci", "dependent (-)", "not robust"]
    assert cells.filtered
    assert variants.rows[0][1].text == "150"
    assert other_tables(record) is None
    of_edges, of_cells = (block(section, HeatMap, k) for k in range(2))
    assert list(of_edges.columns) == ["half 1", "half 2", "seed 1"]
    assert [title for title, _ in of_edges.rows] == ["s1 → (+) z11", "z11 — z21"]
    assert [[(c.text, c.share) for c in cells] for _, cells in of_edges.rows] == [
        [("← (+)", 0.0), ("→ (+)", 1.0), ("–", 0.0)],
        [("→", 1.0), ("—", 1.0), ("–", 0.0)],
    ]
    assert list(of_cells.columns) == ["half 2"]
    assert of_cells.rows[0][1][0].tip.endswith("half 2: absent")


def test_tables_of_earlier_versions_have_no_matrix_of_variants(tmp_path: Path) -> None:
    path = write_sensitivity_run(tmp_path / "run") / "sensitivity.csv"
    table = pd.read_csv(path)
    table.drop(columns=[name for name in table if str(name).endswith(" says")]).to_csv(path, index=False)
    section = sensitivity(read_record(path.parent))
    assert section is not None
    assert not any(isinstance(each, HeatMap) for each in section.blocks)
    assert len([each for each in section.blocks if isinstance(each, DataTable)]) == 4


def test_the_matrix_of_variants_names_the_tests_and_says_how_many_rows_are_left_out(tmp_path: Path) -> None:
    path = write_sensitivity_run(tmp_path / "run") / "sensitivity.csv"
    table = pd.read_csv(path)
    cell = table[table["level"] == "cell"]
    many = pd.concat([cell.assign(test="hsic"), *[cell] * 65])
    many.to_csv(path, index=False)
    found = block(sensitivity(read_record(path.parent)), HeatMap)
    assert [found.rows[k][0] for k in (0, 1)] == [
        f"Openness dependent (-) <b>Height</b> ({t})" for t in ("hsic", "kci")
    ]
    assert len(found.rows) == 60
    assert found.caption.endswith("(the first 60 of 66)")


def test_a_folder_without_a_sensitivity_analysis_has_no_such_section(tmp_path: Path) -> None:
    assert sensitivity(one(tmp_path / "run")) is None
