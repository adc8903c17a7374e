"""See what the model of a finished run makes of the run's data, and check every assumption."""

import numpy as np

from personax.crl import CRL
from personax.experiments.diagnostics.alignment import alignment_gap
from personax.experiments.diagnostics.config import LEAST_ROWS, DiagnoseConfig
from personax.experiments.diagnostics.coordinate_shape import shape_of_coordinates
from personax.experiments.diagnostics.findings import Evidence, Finding
from personax.experiments.diagnostics.graph_facts import graph_facts
from personax.experiments.diagnostics.noises import exogenous_noise, measurement_noise, proposition_2
from personax.experiments.diagnostics.variability import sufficient_variability
from personax.experiments.past_runs import Remade
from personax.graphs.graph import Graph
from personax.graphs.sureness import with_sureness
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng


def collect_evidence(model: CRL, remade: Remade, config: DiagnoseConfig) -> Evidence:
    """What the model infers about training people and at most `config.rows` test people.

    Raises InputError if there are fewer than LEAST_ROWS test rows.
    """
    test = remade.split.test
    if len(test) < LEAST_ROWS:
        raise InputError(f"{len(test)} test rows are too few for these checks; at least {LEAST_ROWS}")
    if len(test) > config.rows:
        chosen = numpy_rng(config.seed, "diagnostics/rows").choice(test, config.rows, replace=False)
        test = np.sort(chosen)
    train_data, test_data = remade.data.rows(remade.split.train), remade.data.rows(test)
    test_codes = model.encode(test_data)
    graph = Graph(model.names, model.graph, blocks=model.blocks)
    sure = with_sureness(graph, test_codes.z, where="graph")
    assert sure.frequency is not None
    assert sure.orientation is not None
    return Evidence(
        train=model.encode(train_data),
        test=test_codes,
        train_data=train_data,
        test_data=test_data,
        blocks=model.blocks,
        graph=model.graph,
        edge_probability=sure.frequency * sure.orientation * (model.graph == 1),
        alpha=config.alpha,
        seed=config.seed,
        encode=model.encode,
    )


def diagnose(evidence: Evidence) -> list[Finding]:
    """All checks, in the order of the report."""
    return [
        exogenous_noise(evidence),
        *measurement_noise(evidence),
        *proposition_2(evidence),
        alignment_gap(evidence),
        *shape_of_coordinates(evidence),
        *sufficient_variability(evidence),
        graph_facts(evidence),
    ]
