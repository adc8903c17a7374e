"""Choose hyper-parameters and the number of latents without the truth, and report how reliable the choice is.

Candidates differ in hyper-parameters or in the number of latents, so their objectives cannot be compared.
Two criteria can be compared, on validation rows:

  prediction   how well one measurement is predicted by the latents that are inferred from all others. It is
               low if latents are missing or badly learned.
  stability    how well the latents of two runs that differ only in the model's seed agree after one-to-one
               matching (mean |Pearson|, as MCC). Latents that are not identified differ between runs
               (Khemakhem et al. 2020 judge identifiability in this way, Duan et al. 2020 choose models so).

Among the candidates whose prediction is within `tolerance` of the best, those with the fewest latents are
kept; the most stable of these is chosen. The report also has the validation ELBO and alignment of every
candidate and, as the truth is known here, the rank correlation of each criterion with MCC. The choice uses
none of these.

Examples:
  choose_model.py --jobs 2
  choose_model.py --candidates default,latents-1,latents-3 --scm backwards
"""

from collections.abc import Sequence
from pathlib import Path

from personax.experiments.cells import run_cells
from personax.experiments.selection.config import SelectionConfig, find_candidate
from personax.experiments.selection.figures import draw_criteria
from personax.experiments.selection.report import selection_report
from personax.experiments.selection.run import choose, criteria_table, selection_cells
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import project_path
from personax.variant_mnist.scene_config import require_scene_memory


def run_selection(config: SelectionConfig) -> None:
    """Do the runs that are missing, print the report and the choice. Raises InputError."""
    names = check_selection(config)
    home = project_path(Path(config.output))
    cells = selection_cells(config, names, parse_seeds(config.seeds), home)
    table = criteria_table(cells, run_cells(cells, config.jobs))
    choice = choose(table, config.tolerance)
    with atomic_path(home / "selection.csv") as temporary:
        table.to_csv(temporary, index_label="candidate")
    text = selection_report(table, choice, config)
    write_text(home / "selection.md", text + "\n")
    draw_criteria(table, choice, home / "selection")
    print(text)
    print(f"pictures:\n  {home / 'selection.png'}")


def check_selection(config: SelectionConfig) -> list[str]:
    """Names of the candidates. Raises InputError for unknown ones and for values out of range."""
    names = [name.strip() for name in config.candidates.split(",")]
    for name in names:
        find_candidate(name)
    if len(parse_seeds(config.seeds)) < 2:
        raise InputError(f"seeds {config.seeds}: at least two are needed to measure stability")
    resolve_device(config.device)
    if config.data_seed is None:
        raise InputError("data_seed: needed, because all candidates are compared on the same scenes")
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(SelectionConfig, run_selection, argv, description=__doc__ or "")
