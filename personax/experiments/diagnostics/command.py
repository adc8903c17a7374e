"""Check each assumption of a trained model on the test rows of its run folder.

Examples:
  diagnose.py results/mnist/mnist/seed-0
  diagnose.py results/mnist/mnist/seed-0 --rows 500 --alpha 0.01
  diagnose.py results/athlete/default/seed-0
"""

from collections.abc import Sequence

from personax.crl import CRL
from personax.experiments.diagnostics.config import DiagnoseConfig
from personax.experiments.diagnostics.figures import draw_findings_page
from personax.experiments.diagnostics.findings import Finding
from personax.experiments.diagnostics.report import as_json, finding_lines, findings_page
from personax.experiments.diagnostics.run import (
    collect_evidence,
    diagnose,
    read_run,
    refuse_other_data,
    remake,
)
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.files import write_json, write_text
from personax.runs.run_folder import FIGURES, existing_path


def run_diagnosis(config: DiagnoseConfig) -> list[Finding]:
    """Check every assumption; write page, JSON and figure; print the report. Raises InputError."""
    check_diagnosis(config)
    folder = existing_path(config.folder[0])
    finished = read_run(folder)
    model = CRL.load(folder, device=config.device)
    remade = remake(finished.config, config.data_dir)
    refuse_other_data(folder, finished, remade)
    evidence = collect_evidence(model, remade, config)
    findings = diagnose(evidence)
    facts = {
        "test_rows": len(evidence.test.z),
        "train_rows": len(evidence.train.z),
        "alpha": config.alpha,
        "seed": config.seed,
        "simulated": remade.simulated,
        "source": remade.data.source,
    }
    write_json(folder / "diagnostics.json", as_json(findings, facts))
    write_text(folder / "diagnostics.md", findings_page(findings, facts))
    mark = "SIMULATED DATA. " if remade.simulated else ""
    title = f"{mark}{folder.parent.name}/{folder.name}, {facts['test_rows']} test rows"
    pictures = draw_findings_page(findings, folder / FIGURES / "diagnostics", title=title)
    print(
        f"{mark}{facts['test_rows']} test rows, level {config.alpha:g}; in brackets: values to compare with\n"
    )
    print("\n".join(finding_lines(findings)))
    print(f"\n{folder / 'diagnostics.md'}\n{pictures[0]}")
    return findings


def check_diagnosis(config: DiagnoseConfig) -> None:
    """Raise InputError unless there is one run folder."""
    if len(config.folder) != 1:
        raise InputError(f"{len(config.folder)} run folders given; give one")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DiagnoseConfig,
        run_diagnosis,
        argv,
        description=__doc__ or "",
        positional=("folder", "a finished run folder"),
    )
