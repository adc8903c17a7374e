"""Write answers and failures as they come, so that a process that is killed loses at most those under way."""

import json
from dataclasses import asdict
from pathlib import Path

from personax.runs.run_folder import RESPONSES
from personax.traits.answers import FAILED, Answer, Failure, whole_lines


class AnswerFiles:
    """The two files of a run folder. Both are made with the first answer or failure."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in (RESPONSES, FAILED):
            cut_half_line(folder / name)

    def add(self, outcome: Answer | Failure) -> None:
        """Append one line; the operating system has it when this returns."""
        line = json.dumps(asdict(outcome), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        own = RESPONSES if isinstance(outcome, Answer) else FAILED
        for name in (RESPONSES, FAILED):
            with (self._folder / name).open("ab") as stream:
                stream.write(line if name == own else b"")


def cut_half_line(path: Path) -> None:
    """Shorten a file to its last whole line, if a process was killed while it wrote the next one."""
    if not path.exists():
        return
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        whole = end
        while whole > 0:
            start = max(whole - 4096, 0)
            stream.seek(start)
            position = stream.read(whole - start).rfind(b"\n")
            if position >= 0:
                whole = start + position + 1
                break
            whole = start
        if whole < end:
            stream.truncate(whole)


def keys_in(path: Path) -> set[str]:
    """The keys of the requests in one of the files; none if there is no such file."""
    return {str(row.get("key")) for row, _ in whole_lines(path)} if path.exists() else set()
