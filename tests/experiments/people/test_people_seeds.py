"""What the seed of a run on people decides."""

from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from personax.crl import CRL, CRLConfig, closed_form
from personax.experiments import several_seeds
from personax.experiments.people import preparation
from personax.experiments.people.config import PeopleConfig
from personax.experiments.several_seeds import run_every_seed
from personax.learning import compression


@pytest.mark.parametrize(("data_seed", "drawn"), [(None, [3, 4]), (7, [7])])
def test_a_seed_moves_table_and_model_unless_the_table_has_its_own(
    data_seed: int | None, drawn: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With data_seed all runs share one table, which is loaded once."""
    monkeypatch.setattr(several_seeds, "read_finished", lambda *_: {})
    loaded: list[int] = []
    fitted: list[tuple[int, int]] = []

    def load(config: PeopleConfig) -> int:
        loaded.append(config.drawn_by)
        return config.drawn_by

    def run_one(config: PeopleConfig, _: Path, table: int) -> None:
        fitted.append((config.seed, table))

    config = PeopleConfig(data_seed=data_seed)
    found: dict[int, dict[str, Any]] = run_every_seed(
        config, [3, 4], lambda seed: tmp_path / str(seed), load, run_one, metrics=()
    )
    assert list(found) == [3, 4]
    assert loaded == drawn
    assert fitted == [(3, drawn[0]), (4, drawn[-1])]


class Seen(Exception):
    """The threads were seen; what follows is not needed."""


def blas_threads() -> set[int]:
    """Numbers of threads of the BLAS libraries that are loaded."""
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def few_people() -> PeopleConfig:
    """A small simulated table."""
    model = CRLConfig.embeddings({"image": 5, "text": 5}, shared=2)
    return PeopleConfig(dataset="athlete", source="simulated", n=300, image_dim=30, text_dim=40, model=model)


# Rounding depends on the threads, and it can decide between causal orders that fit almost equally well.
def test_embeddings_are_compressed_by_one_blas_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()

    def look(*_: Any, **__: Any) -> None:
        seen.update(blas_threads())
        raise Seen

    monkeypatch.setattr(compression, "numpy_rng", look)
    with threadpool_limits(limits=2, user_api="blas"), pytest.raises(Seen):
        preparation.prepare(few_people())
    assert seen == {1}


def test_the_closed_form_is_searched_by_one_blas_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()

    def look(*_: Any, **__: Any) -> None:
        seen.update(blas_threads())
        raise Seen

    config = few_people()
    prepared = preparation.prepare(config)
    monkeypatch.setattr(closed_form, "read_shared", look)
    with threadpool_limits(limits=2, user_api="blas"), pytest.raises(Seen):
        CRL(config.model, device="cpu").fit(prepared.data, prepared.split)
    assert seen == {1}
