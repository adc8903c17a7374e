import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pandas as pd
import pytest
from tables.hub_server import COMMIT, Hub, answer_about

from personax.runs.errors import InputError
from personax.tables import HubSource, PeopleTable, load_table
from personax.tables import hub as hub_module
from personax.tables.hub import choose_files

PARQUET = "data/train-00000-of-00001.parquet"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, athlete_frame: pd.DataFrame) -> Iterator[Hub]:
    """A hub with the athlete table; short time-outs; nobody logged in; no pauses between retries."""
    server = Hub()
    path = tmp_path / "on-the-hub.parquet"
    athlete_frame.to_parquet(path)
    server.files[PARQUET] = path.read_bytes()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(hub_module, "TIMEOUT", 0.5)
    monkeypatch.setattr(hub_module, "PATIENCE", 5.0)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
    monkeypatch.setattr(huggingface_hub.file_download, "time", SimpleNamespace(sleep=lambda _: None))
    huggingface_hub.close_session()
    yield server
    server.stop()


def _load(tmp_path: Path, revision: str | None = None) -> PeopleTable:
    return load_table("athlete", source=HubSource(revision, tmp_path / "data"))


def _equals(table: PeopleTable, frame: pd.DataFrame) -> bool:
    return np.array_equal(table.ids, frame["ID"]) and np.array_equal(
        table.features["Height"], frame["Height"]
    )


def test_download_is_pinned_to_a_commit_and_has_a_checksum(
    hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame
) -> None:
    table = _load(tmp_path)
    assert _equals(table, athlete_frame)
    assert table.revision == COMMIT
    assert table.provenance() == {
        "data_source": table.source,
        "data_sha256": table.sha256,
        "data_revision": COMMIT,
        "simulated": False,
        "people": len(table),
    }
    assert COMMIT[:12] in table.source
    assert table.sha256 == hashlib.sha256(hub.files[PARQUET]).hexdigest()
    assert any(
        request == f"GET /datasets/Persona-X/athlepersona/resolve/{COMMIT}/{PARQUET}"
        for request in hub.requests
    )


def test_a_second_load_downloads_nothing(hub: Hub, tmp_path: Path) -> None:
    _load(tmp_path)
    hub.requests.clear()
    _load(tmp_path)
    assert not any(request.startswith("GET /datasets/") for request in hub.requests)


def test_a_revision_is_asked_for(hub: Hub, tmp_path: Path) -> None:
    assert _load(tmp_path, revision="v1.0").revision == COMMIT
    assert "GET /api/datasets/Persona-X/athlepersona/revision/v1.0?blobs=true" in hub.requests


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "arrow"])
def test_other_formats_are_downloaded(
    hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame, suffix: str
) -> None:
    path = tmp_path / f"people.{suffix}"
    if suffix == "csv":
        athlete_frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        athlete_frame.to_json(path, orient="records", lines=True)
    else:
        athlete_frame.to_feather(path)
    hub.files = {path.name: path.read_bytes(), "notes.txt": b"x"}
    assert _equals(_load(tmp_path), athlete_frame)


def test_shards_are_one_table(hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame) -> None:
    path = tmp_path / "part.parquet"
    hub.files = {}
    for number, rows in enumerate((athlete_frame[:5], athlete_frame[5:])):
        rows.to_parquet(path)
        hub.files[f"data/train-0000{number}-of-00002.parquet"] = path.read_bytes()
    assert _equals(_load(tmp_path), athlete_frame)


def test_a_slow_hub_is_waited_for(hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame) -> None:
    hub.mood = "slow"
    assert _equals(_load(tmp_path), athlete_frame)


def test_a_dropped_connection_is_resumed(hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame) -> None:
    hub.mood = "drops once"
    if huggingface_hub.__version__.startswith("1."):  # these versions go on when they are asked again
        _refused(tmp_path, "stayed incomplete")
    assert _equals(_load(tmp_path), athlete_frame)
    assert len([request for request in hub.requests if request.startswith("GET /datasets/")]) == 2


def _refused(tmp_path: Path, *words: str, revision: str | None = None) -> None:
    with pytest.raises(InputError) as caught:
        _load(tmp_path, revision)
    message = str(caught.value)
    assert "\n" not in message
    for word in ("Persona-X/athlepersona", *words):
        assert word in message, message


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        ("gated", ("HTTP 403", "accept the terms", "`hf auth login`")),
        ("gated, no login", ("HTTP 401", "accept the terms", "`hf auth login`")),
        ("private", ("HTTP 401", "not found, or not open to you", "`hf auth login`")),
        ("not found", ("HTTP 404", "not found", "--table")),
        ("no revision", ("no revision 'v9'", "--revision")),
        ("broken", ("could not be reached (HTTP 500)", "--table", "--source simulated")),
        ("no hub", ("could not be reached",)),
        ("truncated", ("stayed incomplete",)),
        ("stalled", ("stayed incomplete", "Timeout")),
    ],
)
def test_failed_downloads_are_explained_and_leave_nothing_behind(
    hub: Hub, tmp_path: Path, mood: str, words: tuple[str, ...]
) -> None:
    hub.mood = mood
    _refused(tmp_path, *words, revision="v9" if mood == "no revision" else None)
    # An incomplete file is not used as a download later.
    hub.mood = "well"
    assert _load(tmp_path).revision == COMMIT


@pytest.mark.parametrize("fresh", [True, False])
def test_an_unreachable_hub_without_a_copy_is_an_error(hub: Hub, tmp_path: Path, fresh: bool) -> None:
    """A closed port, or a connection that was open and is closed without an answer."""
    if not fresh:
        huggingface_hub.HfApi(endpoint=hub.url).dataset_info("Persona-X/athlepersona")
    hub.stop()
    _refused(tmp_path, "could not be reached", "no earlier download", "--table")


@pytest.mark.parametrize("how", ["stopped", "broken", "stalled", "offline"])
def test_the_copy_is_used_with_a_warning_when_the_hub_cannot_be_reached(
    hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    _load(tmp_path)
    if how == "stopped":
        hub.stop()
    elif how == "offline":
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    elif how == "stalled":
        # The look-up answers with a newer commit, whose file never arrives.
        hub.files[PARQUET] += b" "
        monkeypatch.setattr("tables.hub_server.COMMIT", "f" * 40)
        hub.mood = how
    else:
        hub.mood = how
    table = _load(tmp_path)
    assert _equals(table, athlete_frame)
    assert table.revision == COMMIT
    assert "(cached)" in table.source
    assert "could not be reached" in table.report.warnings[0]
    assert COMMIT[:12] in table.report.warnings[0]


def test_a_copy_of_another_revision_is_not_used(
    hub: Hub, tmp_path: Path, athlete_frame: pd.DataFrame
) -> None:
    _load(tmp_path, revision="v1.0")
    hub.stop()
    _refused(tmp_path, "no earlier download", revision="v2.0")
    assert _equals(_load(tmp_path, revision=COMMIT), athlete_frame)


def test_a_copy_without_the_table_is_reported_as_incomplete(hub: Hub, tmp_path: Path) -> None:
    _load(tmp_path)
    hub.stop()
    for path in (tmp_path / "data").rglob("*.parquet"):
        path.unlink()
    _refused(tmp_path, "incomplete")


def test_a_damaged_file_on_the_hub_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.files[PARQUET] = hub.files[PARQUET][:-50]
    with pytest.raises(InputError, match="damaged or incomplete parquet file"):
        _load(tmp_path)


def test_the_best_format_is_chosen() -> None:
    assert choose_files("r", ["a.csv", "data/x.parquet", "README.md"]) == ["data/x.parquet"]
    shards = ["t-00001-of-00002.parquet", "t-00000-of-00002.parquet"]
    assert choose_files("r", shards) == sorted(shards)
    with pytest.raises(InputError, match="several tables"):
        choose_files("r", ["athletes.csv", "embeddings.csv"])
    with pytest.raises(InputError, match=r"no \.parquet"):
        choose_files("r", ["README.md"])


ODD_NAMES = ["../../x.parquet", "/etc/x.parquet", "a\0b.parquet", "..\\x.parquet", "", 3, None, ["x.parquet"]]
SIZES = {"size": 1, "pointerSize": 1}
ODD_ANSWERS: dict[str, bytes] = {
    "brackets in brackets": b"[" * 100_000,
    "a list": b"[]",
    "null": b"null",
    "commit 3": answer_about({}, sha=3),
    "no commit": answer_about({}, sha=None),
    "commit that is a path": answer_about({}, sha="../../x"),
    "files 3": answer_about({}, siblings=3),
    "files without names": answer_about({}, siblings=[{}]),
    "size 1.5": answer_about({}, siblings=[{"rfilename": "x.parquet", "size": 1.5}]),
    "checksum 3": answer_about({}, siblings=[{"rfilename": "x.parquet", "lfs": {"sha256": 3} | SIZES}]),
    **{f"file {name!r}": answer_about({}, siblings=[{"rfilename": name}]) for name in ODD_NAMES},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_answer_that_is_none_of_a_hub_is_one_line(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.answer = ODD_ANSWERS[name]
    with pytest.raises(InputError, match="could not be reached") as refused:
        _load(tmp_path)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.rglob("x.parquet"))


@pytest.mark.parametrize("mood", ["silent", "drips"])
def test_a_server_that_takes_too_long_is_left_alone(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str
) -> None:
    monkeypatch.setattr(hub_module, "TIMEOUT", 20.0)
    monkeypatch.setattr(hub_module, "PATIENCE", 0.6)
    hub.mood = mood
    with pytest.raises(InputError, match=r"less than 65536 bytes came within 0\.6 s"):
        _load(tmp_path)


def test_a_download_with_other_bytes_is_refused_and_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.mood = "other bytes"
    with pytest.raises(InputError, match="SHA-256 of the download is not the hub's"):
        _load(tmp_path)
    hub.mood = "well"
    assert len(_load(tmp_path)) > 0


def test_a_download_that_is_larger_than_the_disk_is_refused_before_it_begins(
    hub: Hub, tmp_path: Path
) -> None:
    hub.answer = answer_about({}, siblings=[{"rfilename": PARQUET, "size": 10**15}])
    with pytest.raises(InputError, match=r"1,000,000\.0 GB, but only .* GB are free in") as refused:
        _load(tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "data").exists()
    assert not any("/resolve/" in request for request in hub.requests)


def test_a_file_whose_headers_announce_more_than_the_disk_holds_is_refused(hub: Hub, tmp_path: Path) -> None:
    """The list of files says nothing of it."""
    hub.mood = "endless"
    with pytest.raises(InputError, match="is larger than what is free in") as refused:
        _load(tmp_path)
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "data").rglob("*.parquet"))
