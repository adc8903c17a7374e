"""The commands as tests call them: a script's main, loaded from its file."""

import sys
from collections.abc import Callable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from personax.runs.folder import ROOT

Main = Callable[[Sequence[str]], int]


def load_main(script: Path | str) -> Main:
    """The main of a script in the project; it enters sys.modules, where its annotations are looked up."""
    path = ROOT / script
    spec = spec_from_file_location(f"script_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Main = module.main
    return main
