"""The check of alignment, on encodings that are similar, unrelated, or lack a direction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from perfect_model import TEST, evidence

from personax.experiments.diagnostics.alignment import alignment_gap
from personax.experiments.diagnostics.findings import HOLDS, UNKNOWN, VIOLATED, Evidence


def with_content(content: Mapping[str, Sequence[np.ndarray]]) -> Evidence:
    """A perfect model whose measurements have these encodings."""
    good = evidence()
    return replace(good, test=replace(good.test, content=content))


def test_encodings_of_one_person_are_alike() -> None:
    found = alignment_gap(evidence())
    assert found.verdict == HOLDS
    assert found.details["a 1, 2"]["retrieval"] > 0.2
    assert 0 < found.details["a 1, 2"]["info_nce"] < np.log(TEST) / 2


def test_encodings_of_strangers_are_not() -> None:
    content = evidence().test.content
    found = alignment_gap(with_content({**content, "a": [content["a"][0], content["a"][1][::-1]]}))
    assert found.verdict == VIOLATED
    assert found.details["b 1, 2"]["verdict"] == HOLDS
    assert found.details["a 1, 2"]["retrieval"] < 0.02
    assert abs(found.details["a 1, 2"]["agreement"]) < 0.2


def test_a_lost_direction_is_seen_although_distances_are_nearly_right() -> None:
    content = evidence().test.content
    noise = np.random.default_rng(0).standard_normal(TEST)
    half = [np.column_stack([5 * z[:, 0], noise[:: 1 - 2 * i]]) for i, z in enumerate(content["a"])]
    found = alignment_gap(with_content({**content, "a": half}))
    assert found.verdict == VIOLATED
    assert found.details["a 1, 2"]["weakest"] < 0.3


def test_measurements_that_never_meet_are_left_out() -> None:
    content = evidence().test.content
    first, second = (part.copy() for part in content["a"])
    first[: TEST // 2], second[TEST // 2 :] = np.nan, np.nan
    found = alignment_gap(with_content({**content, "a": [first, second]}))
    assert found.verdict == HOLDS
    assert set(found.details) == {"b 1, 2"}


def test_a_single_measurement_tells_nothing() -> None:
    once = {m: members[:1] for m, members in evidence().test.content.items()}
    assert alignment_gap(with_content(once)).verdict == UNKNOWN
