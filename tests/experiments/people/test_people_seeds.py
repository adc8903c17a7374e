"""What the seed of a run on people decides."""

from pathlib import Path
from typing import Any

import pytest

from personax.experiments import several_seeds
from personax.experiments.people.config import PeopleConfig
from personax.experiments.several_seeds import run_every_seed


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
