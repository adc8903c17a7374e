"""The Python code on the README and the tutorials runs as it is, block after block."""

import re
from pathlib import Path

import pytest

from personax.runs.run_folder import ROOT

PAGES = ("README.md", "docs/tutorials/level_one.md", "docs/tutorials/level_two.md")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) > 2
    names: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"{page}, block {number}", "exec"), names)
