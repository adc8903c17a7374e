import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from personax.embeddings.obfuscation_key import new_key, read_key, write_key
from personax.runs.errors import InputError

KEY = new_key("general", 10.0, 0.5, {"a": 16}, seed=1)


def test_a_key_is_written_for_its_owner_only_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key.json"
    before = os.umask(0)
    try:
        write_key(KEY, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == KEY


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    write_key(KEY, tmp_path / "key.json")
    with pytest.raises(InputError, match="a key is never replaced"):
        write_key(new_key("orthogonal", 1, 0, {"a": 16}), tmp_path / "key.json")
    assert read_key(tmp_path / "key.json") == KEY


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_key(KEY, tmp_path / "key.json")
    (tmp_path / "key.json").chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        read_key(tmp_path / "key.json")


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "ab"},
        {"method": "rot13"},
        {"condition": 0.5},
        {"noise": "much"},
        {"widths": {"a": -1}},
        {"more": 1},
    ],
)
def test_a_damaged_key_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "key.json"
    write_key(KEY, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="damaged key"):
        read_key(path)


def test_another_file_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="no key of this program"):
        read_key(tmp_path / "key.json")


def test_new_keys_differ_and_seeded_ones_do_not() -> None:
    first, second = (new_key("orthogonal", 1, 0, {"a": 16}) for _ in range(2))
    assert first.secret != second.secret
    assert new_key("orthogonal", 1, 0, {"a": 16}, seed=1).secret == KEY.secret
    assert new_key("orthogonal", 1, 0, {"a": 16}, seed=2).secret != KEY.secret


def test_the_label_says_nothing_of_the_secret() -> None:
    again = new_key("general", 10.0, 0.5, {"a": 16}, seed=1)
    assert again.secret == KEY.secret
    assert again.label != KEY.label


def test_numbers_are_normal_and_depend_on_secret_and_name() -> None:
    numbers = KEY.normals("a", (301, 41))
    assert numbers.shape == (301, 41)
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(numbers.ravel(), KEY.normals("b", (301, 41)).ravel())[0, 1]) < 0.04
    other = replace(KEY, secret="0" * 64).normals("a", (301, 41))
    assert abs(np.corrcoef(numbers.ravel(), other.ravel())[0, 1]) < 0.04


def test_the_numbers_of_a_key_never_change() -> None:
    """A file that was obfuscated with an earlier version must be restored by a later one."""
    expected = [1.968201780484946, -0.1774995138107426, -1.164868045249167]
    np.testing.assert_allclose(KEY.normals("a", (1, 3))[0], expected, rtol=1e-12)
