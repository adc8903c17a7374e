"""The check of the recovered graph."""

from dataclasses import replace

from perfect_model import GRAPH, evidence

from personax.experiments.diagnostics.findings import DOUBTFUL, HOLDS, VIOLATED
from personax.experiments.diagnostics.graph_facts import graph_facts


def test_an_acyclic_decided_graph_holds() -> None:
    assert graph_facts(evidence()).verdict == HOLDS


def test_an_undecided_edge_is_named() -> None:
    probability = evidence().edge_probability.copy()
    probability[1, 3] = 0.45
    finding = graph_facts(replace(evidence(), edge_probability=probability))
    assert finding.verdict == DOUBTFUL
    assert "z12 -> z22 (0.45)" in finding.measured


def test_a_cycle_is_seen() -> None:
    circle = GRAPH.copy()
    circle[3, 0] = 1
    assert graph_facts(replace(evidence(), graph=circle)).verdict == VIOLATED
