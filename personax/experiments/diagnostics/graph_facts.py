"""Check of the recovered graph: it is acyclic and sparse, and no edge is undecided."""

import networkx as nx
import numpy as np

from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    NAMED_AT_MOST,
    VIOLATED,
    Evidence,
    Finding,
)

UNDECIDED = (0.25, 0.75)  # an edge with a probability between these is undecided


def graph_facts(evidence: Evidence) -> Finding:
    """The recovered graph has no cycle and few edges, and every edge is clearly present or absent."""
    graph, probability = evidence.graph, evidence.edge_probability
    acyclic = nx.is_directed_acyclic_graph(nx.from_numpy_array(graph, create_using=nx.DiGraph))
    edges, d = int(graph.sum()), len(graph)
    most = d * (d - 1) // 2
    unsure = undecided_edges(evidence)
    verdict = VIOLATED if not acyclic else DOUBTFUL if unsure or edges > most / 2 else HOLDS
    text = f"undecided: {', '.join(unsure[:NAMED_AT_MOST])}" if unsure else "none undecided"
    if len(unsure) > NAMED_AT_MOST:
        text += f" and {len(unsure) - NAMED_AT_MOST} more"
    low, high = UNDECIDED
    return Finding(
        "graph",
        "the graph is acyclic and sparse",
        verdict,
        f"{'acyclic' if acyclic else 'has a cycle'}, {edges} edges ({probability.sum():.1f} expected), "
        f"{text}",
        f"at most {most} in a graph without cycles; undecided means a probability of {low:g} to {high:g}",
        details={"acyclic": acyclic, "edges": edges, "most": most, "undecided": unsure},
    )


def undecided_edges(evidence: Evidence) -> list[str]:
    """The undecided edges with their probabilities, the least decided first."""
    names, probability = list(evidence.test.z.columns), evidence.edge_probability
    low, high = UNDECIDED
    places = zip(*np.nonzero((probability > low) & (probability < high)), strict=True)
    return [
        f"{names[i]} -> {names[j]} ({probability[i, j]:.2f})"
        for i, j in sorted(places, key=lambda place: abs(probability[place] - 0.5))
    ]
