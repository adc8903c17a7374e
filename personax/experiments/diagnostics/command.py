"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.crl import CRL
from personax.crl.trust import in_words
from personax.experiments.diagnostics.config import DiagnoseConfig
from personax.experiments.diagnostics.figures import draw_findings_page
from personax.experiments.diagnostics.findings import Finding, overall
from personax.experiments.diagnostics.reliability import as_far_as_judged
from personax.experiments.diagnostics.report import as_json, finding_lines, findings_page
from personax.experiments.diagnostics.run import collect_evidence, diagnose
from personax.experiments.fitting import read_history
from personax.experiments.past_runs import FinishedRun, read_run, refuse_other_data, remake
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import write_json, write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.run_folder import FIGURES, typed_path


def run_diagnosis(config: DiagnoseConfig) -> list[Finding]:
    """Check every assumption; write page, JSON and figure; print the report. Raises InputError."""
    check_diagnosis(config)
    folder = typed_path(config.folder[0])
    finished = read_run(folder)
    with locked_folder(folder):
        return diagnose_in(folder, finished, config)


def diagnose_in(folder: Path, finished: FinishedRun, config: DiagnoseConfig) -> list[Finding]:
    """Check the finished run in this folder."""
    model = CRL.load(folder, device=config.device)
    remade = remake(finished.config, config.data_dir)
    refuse_other_data(folder, finished, remade)
    evidence = collect_evidence(model, remade, config)
    findings, reason = as_far_as_judged(diagnose(evidence), read_history(folder))
    summary = overall(findings, reason)
    facts = {
        "test_rows": len(evidence.test.z),
        "train_rows": len(evidence.train.z),
        "alpha": config.alpha,
        "seed": config.seed,
        "simulated": remade.simulated,
        "source": remade.data.source,
        "model": in_words(model.verdict),
    }
    write_json(folder / "diagnostics.json", as_json(findings, facts, summary))
    write_text(folder / "diagnostics.md", findings_page(findings, facts, summary))
    mark = "SIMULATED DATA. " if remade.simulated else ""
    title = f"{mark}{folder.parent.name}/{folder.name}, {facts['test_rows']} test rows"
    pictures = draw_findings_page(findings, folder / FIGURES / "diagnostics", title=title)
    print(
        f"{mark}{facts['test_rows']} test rows, level {config.alpha:g}; in brackets: what to compare with.\n"
        "HSIC effect: how strongly two things depend on each other, 0 not at all, about |correlation|.\n"
    )
    print("\n".join(finding_lines(findings)))
    print(f"\noverall: {summary}\nthe model of itself: {facts['model']}")
    print(f"\n{folder / 'diagnostics.md'}\n{pictures[0]}")
    return findings


def check_diagnosis(config: DiagnoseConfig) -> None:
    """Raise InputError unless there is one run folder, and for a device that this machine has not."""
    resolve_device(config.device)
    if len(config.folder) != 1:
        raise InputError(f"{len(config.folder)} run folders given; give one")
