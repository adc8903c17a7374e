"""Check the options of the command, run it and print what it found; config.py has the options."""

from personax.experiments.answer_source import answers_folder, check_sources, load_answer_set
from personax.experiments.prompt_consistency.config import ConsistencyConfig
from personax.experiments.prompt_consistency.report import summary_table
from personax.experiments.prompt_consistency.run import examine
from personax.runs.run_folder import FIGURES
from personax.traits.answer_cubes import answer_cubes


def run_consistency(config: ConsistencyConfig) -> None:
    """Examine the answers and print a line for each model and format. Raises InputError."""
    check_sources(config, config.table)
    path = answers_folder(config, "prompt_consistency", config.table)
    source = load_answer_set(config, config.table)
    found = examine(config, source, answer_cubes(source.answers), path)
    print(f"{'SIMULATED DATA. ' if source.simulated else ''}Source: {source.source}")
    print(summary_table(found))
    print(f"report:\n  {path / 'report.md'}\npictures:\n  {path / FIGURES}")
