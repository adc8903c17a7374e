"""Which variants a table allows, and what each changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from personax.crl import CRLConfig
from personax.experiments.people.config import PeopleConfig
from personax.experiments.sensitivity.changes import (
    CoordinateNumber,
    Half,
    OtherAnswers,
    OtherSeed,
    WithoutModality,
    WithoutRater,
    without_latents_of,
)
from personax.experiments.sensitivity.config import SensitivityConfig
from personax.experiments.sensitivity.plan import planned_variants
from personax.runs.errors import InputError
from personax.tables import PeopleTable, simulate_table
from personax.tables.schema import TRAITS

ATHLETES = simulate_table("athlete", n=40, image_dim=16, text_dim=16)
CELEBRITIES = simulate_table("celeb", n=40, image_dim=24, text_dim=16)
SMALL = SensitivityConfig(seeds="0,3", halves=3, compressions="0.5", conditions="none")


def names_of(config: SensitivityConfig, table: PeopleTable) -> dict[str, list[str]]:
    """Kind -> names of the variants."""
    found: dict[str, list[str]] = {}
    for variant in planned_variants(config, table, 0):
        found.setdefault(variant.group, []).append(variant.name)
    return found


def test_athletes_have_these_variants() -> None:
    assert names_of(SMALL, ATHLETES) == {
        "base": ["base"],
        "language model": ["without chatgpt", "without gemini", "without llama"],
        "modality": ["without images", "without texts"],
        "seed": ["seed 3"],
        "people": ["half 1", "half 2", "half 3"],
        "compression": ["0.5 x coordinates"],
        "obfuscation": ["orthogonal map"],
    }


def test_a_measurement_that_is_no_text_of_a_language_model_is_left_out_by_itself() -> None:
    found = names_of(SMALL, CELEBRITIES)
    assert found["measurement"] == ["without image 1", "without image 2", "without image 3"]
    other = replace(ATHLETES, scores={"mother": ATHLETES.scores["llama"]})
    found = names_of(SMALL, other)
    assert "language model" not in found
    assert found["measurement"] == ["without text 1", "without text 2", "without text 3"]


def test_a_table_without_embeddings_has_only_variants_of_level_one() -> None:
    scores_only = replace(ATHLETES, embeddings={}, observed={})
    assert set(names_of(SMALL, scores_only)) == {"base", "language model", "seed", "people"}


def test_nothing_but_what_is_always_possible_is_planned_if_all_is_switched_off() -> None:
    none = SensitivityConfig(seeds="none", halves=0, compressions="none", obfuscated=False)
    assert set(names_of(none, ATHLETES)) == {"base", "language model", "modality"}


def test_without_a_language_model_its_scores_and_its_text_are_gone() -> None:
    changed = WithoutRater("gemini", 1).of_table(ATHLETES, 0)
    assert list(changed.scores) == ["aggregated", "chatgpt", "llama"]
    both = np.stack([ATHLETES.scores[rater].to_numpy() for rater in ("chatgpt", "llama")])
    unknown = np.isnan(both).all(axis=0)
    expected = np.where(unknown, np.nan, np.nanmean(np.where(unknown, 0, both), axis=0))
    np.testing.assert_array_equal(changed.scores["aggregated"], expected)
    texts = changed.embeddings["text"]
    assert len(texts) == 2
    assert texts[0] is ATHLETES.embeddings["text"][0]
    assert texts[1] is ATHLETES.embeddings["text"][2]
    assert changed.observed["text"].shape == (40, 2)
    assert len(ATHLETES.embeddings["text"]) == 3


def test_the_modality_that_is_left_gets_the_shared_latents() -> None:
    change = WithoutModality("image")
    assert list(change.of_table(ATHLETES, 0).embeddings) == ["text"]
    model = CRLConfig.embeddings({"image": 5, "text": 4}, shared=2)
    found = change.of_run(PeopleConfig(model=model)).model
    assert (found.latents, found.shared) == ({"text": 6}, 0)
    three = replace(model, latents={"image": 5, "text": 4, "voice": 3})
    found = without_latents_of(three, "voice")
    assert (found.latents, found.shared) == ({"image": 5, "text": 4}, 2)


def test_two_halves_of_a_cut_are_all_people_once_and_the_next_cut_is_another() -> None:
    halves = [Half(number).of_table(ATHLETES, 5) for number in (1, 2, 3, 4)]
    ids = [set(half.ids.tolist()) for half in halves]
    for first, second in ((0, 1), (2, 3)):
        assert ids[first] | ids[second] == set(ATHLETES.ids.tolist())
        assert not ids[first] & ids[second]
    assert ids[0] not in (ids[2], ids[3])
    half = halves[0]
    rows = half.ids - 1
    assert half.truth is not None
    assert ATHLETES.truth is not None
    np.testing.assert_array_equal(half.embeddings["text"][2], ATHLETES.embeddings["text"][2][rows])
    np.testing.assert_array_equal(half.truth.latents, ATHLETES.truth.latents.iloc[rows])
    pd.testing.assert_frame_equal(half.features, ATHLETES.features.iloc[rows].reset_index(drop=True))
    pd.testing.assert_frame_equal(
        half.scores["llama"], ATHLETES.scores["llama"].iloc[rows].reset_index(drop=True)
    )


def test_other_seeds_and_sizes_change_the_run_and_not_the_table() -> None:
    base = PeopleConfig(seed=0, data_seed=4, coordinates=2.0)
    assert OtherSeed(3).of_run(base) == replace(base, seed=3, data_seed=3)
    assert CoordinateNumber(0.5).of_run(base).coordinates == 1.0
    for change in (OtherSeed(3), CoordinateNumber(0.5)):
        assert change.of_table(ATHLETES, 0) is ATHLETES


def answers_file(path: Path) -> Path:
    """Two formats of one model, the first with two repeats, for the people 1 and 3."""
    rows = [
        {"id": person, "model": "m", "format": name, "repeat": repeat, **dict.fromkeys(TRAITS, score)}
        for name, repeat, score in (("words", 1, 1), ("words", 2, 2), ("digits", 1, 3))
        for person in (3, 1)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_prompts_and_repeats_are_variants_of_the_scores_alone(tmp_path: Path) -> None:
    source = answers_file(tmp_path / "answers.csv")
    config = replace(SMALL, answers=str(source))
    found = names_of(config, ATHLETES)
    assert found["prompt"] == ["prompt words", "prompt digits"]
    assert found["repeat"] == ["prompt words, repeat 2"]
    for name, repeat, score in (("words", 0, 1), ("words", 1, 2), ("digits", 0, 3)):
        change = OtherAnswers(source, name, repeat)
        assert not change.learns
        scores = change.of_table(ATHLETES, 0).scores
        assert list(scores) == ["aggregated", "m"]
        for frame in scores.values():
            assert frame.loc[[0, 2]].eq(score).all(axis=None)
            assert frame.drop([0, 2]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"compressions": "1"}, "not 1"),
        ({"compressions": "0.5,half"}, "write numbers"),
        ({"compressions": "0.5,0.5"}, "different numbers"),
        ({"compressions": "nan"}, "different numbers"),
        ({"seeds": "one"}, "is not a seed"),
        ({"conditions": "0.1"}, "different numbers from 1"),
    ],
)
def test_options_that_cannot_be_read_are_refused(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        planned_variants(replace(SMALL, **wrong), ATHLETES, 0)  # type: ignore[arg-type]


def test_two_variants_never_share_a_folder() -> None:
    config = SensitivityConfig(conditions="10,100", halves=4, compressions="0.5,2", seeds="1-5")
    folders = [variant.folder for variant in planned_variants(config, CELEBRITIES, 0)]
    assert len(set(folders)) == len(folders)
