"""People in files: the fit of the same people in memory, and memory that does not grow with them."""

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.learning.batches import Batch, varying_channels
from personax.learning.mapped_people import MappedPeople, PeopleReader, stays_in_files
from personax.learning.standardisation import Standardisation
from personax.runs.mapped_files import MappedFile
from personax.views import MultiViewData, Split, split_rows


def people(n: int, width: int = 6) -> MultiViewData:
    """People of two modalities in memory; some lack measurements."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 2))
    texts = [(z @ rng.standard_normal((2, width))).astype(np.float32) for _ in range(2)]
    noisy = [x + rng.standard_normal(x.shape, dtype=np.float32) for x in texts]
    return MultiViewData({"text": noisy}, observed={"text": rng.random((n, 2)) > 0.1})


def in_files(data: MultiViewData, folder: Path) -> MultiViewData:
    """The same people with their measurements in .npy files."""
    mapped = []
    for number, array in enumerate(data.measurements["text"]):
        np.save(folder / f"{number}.npy", array)
        mapped.append(np.load(folder / f"{number}.npy", mmap_mode="r"))
    return MultiViewData({"text": mapped}, observed=data.observed)


def model_of(*, compress: bool = False, epochs: int = 2) -> CRL:
    """A small model."""
    search = Phase2Config(starts=2, generations=1, generation_steps=1, finalists=1, final_steps=1)
    phase1 = Phase1Config(epochs=epochs, batch_size=32)
    config = CRLConfig(latents={"text": 2}, hidden=8, phase1=phase1, phase2=search, compress=compress)
    return CRL(config, seed=1, device="cpu")


@pytest.mark.parametrize("compress", [False, True])
def test_people_in_files_are_learned_from_as_those_in_memory(compress: bool, tmp_path: Path) -> None:
    data = people(400)
    split = split_rows(400, np.random.default_rng(1))
    mapped = in_files(data, tmp_path)
    assert stays_in_files(mapped)
    assert not stays_in_files(data)
    here = model_of(compress=compress).fit(data, split, checkpoint=tmp_path / "here.pt")
    there = model_of(compress=compress).fit(mapped, split, checkpoint=tmp_path / "there.pt")
    for row, expected in zip(there.history, here.history, strict=True):
        if row["phase"] == "representation":
            assert row["validation"] == pytest.approx(expected["validation"], rel=1e-4)
    np.testing.assert_allclose(there.transform(mapped), here.transform(data), rtol=1e-2, atol=1e-2)


def test_rows_are_those_of_the_batch_in_memory_also_in_another_process(tmp_path: Path) -> None:
    data = people(50)
    mapped = in_files(data, tmp_path)
    rows = np.arange(10, 50)
    standard = Standardisation.fit(data, rows)
    channels = varying_channels(standard(data))
    expected = Batch.of(standard(data.rows(rows)), channels=channels)
    reader = PeopleReader(mapped, standard, channels)
    found = MappedPeople.of_rows(reader, rows, torch.device("cpu"), seed=0)
    sent = pickle.dumps(found)
    assert len(found) == len(expected) == 40
    index = torch.tensor([3, 39, 0])
    for each in (found, pickle.loads(sent)):
        for got, right in zip(each.rows(index).tensors(), expected.rows(index).tensors(), strict=True):
            torch.testing.assert_close(got, right)
    wide = in_files(people(50, width=1000), tmp_path)
    assert len(pickle.dumps(PeopleReader(wide, standard, channels))) < 20_000  # without the 400,000 bytes


def test_a_part_of_a_mapped_array_is_found_again(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(60.0).reshape(20, 3))
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    for part in (array, array[5:], np.asarray(array)[2:9]):
        place = MappedFile.of(part)
        assert place is not None
        np.testing.assert_array_equal(place.open(), part)
    assert MappedFile.of(array[:, 1]) is None
    assert MappedFile.of(np.zeros(3)) is None


def test_memory_does_not_grow_with_the_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("personax.learning.mapped_people.SAMPLE", 200)
    monkeypatch.setattr("personax.learning.checks.ROWS_OF_A_PART", 500)

    def peak(n: int) -> int:
        """Most bytes of arrays during a fit."""
        data = in_files(people(n, width=100), tmp_path)
        split = Split(np.arange(n - 100), np.arange(n - 100, n - 50), np.arange(n - 50, n))
        tracemalloc.start()
        model_of(epochs=1).fit(data, split)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(800), peak(2400)
    assert many - few < 0.1 * 1600 * 100 * 2 * 4  # of what the 1,600 more people take
