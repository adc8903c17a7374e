"""How tests call the commands: the main function of a script, loaded from its file, and its exit code."""

import sys
from collections.abc import Callable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from personax.runs.run_folder import ROOT

Main = Callable[[Sequence[str]], int]


def load_main(script: Path | str) -> Main:
    """The main of a script in the project; it enters sys.modules, where its annotations are looked up."""
    path = ROOT / script
    spec = spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Main = module.main
    return main


def run_script(script: Path | str, *words: object) -> int:
    """The exit code of a script with these words on its command line, run in this process."""
    return load_main(script)([str(word) for word in words])
