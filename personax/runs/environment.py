"""What a run depended on beside its options: commit, versions, machine and threads."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from personax.runs.files import write_json
from personax.runs.processor import threads_in_use

_RECORDED = (
    "personax",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "causal-learn",
    "hyppo",
)


def environment() -> dict[str, Any]:
    """Commit, versions of Python and of packages, processor, and number of threads of this process."""
    versions: dict[str, str | None] = {}
    for name in _RECORDED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
        "python": platform.python_version(),
        "versions": versions,
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": threads_in_use(),
    }


def environment_line() -> str:
    """The environment in one line, for a result that is only printed."""
    found = environment()
    commit = f"commit {found['commit'] or 'unknown'}{' with changes' if found['uncommitted_changes'] else ''}"
    versions = (f"{name} {number}" for name, number in found["versions"].items() if number)
    machine = f"{found['machine']}, {found['cores']} cores, {found['threads']} threads"
    return f"{commit}; Python {found['python']}, {', '.join(versions)}; {machine}"


def record_environment(result: Path) -> str:
    """Write the environment beside a file of results, as NAME.environment.json; return it as a line."""
    write_json(result.with_name(f"{result.stem}.environment.json"), environment())
    return environment_line()


def _git(*words: str) -> str | None:
    """What git answers in the folder of this package; None where there is no git, or no repository."""
    try:
        answer = subprocess.run(
            ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
