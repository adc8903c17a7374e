"""The verdicts of the diagnostics."""

from collections.abc import Mapping

from personax.experiments.html_report.blocks import Block, Column, DataTable, Note, Section, TableCell, Tone
from personax.experiments.html_report.numbers import plain_text
from personax.experiments.html_report.reading import RunRecord
from personax.runs.errors import InputError

DIAGNOSTICS = "diagnostics.json"
TONES: Mapping[str, Tone] = {
    "holds": "good",
    "doubtful": "unsure",
    "violated": "bad",
    "cannot be told here": "quiet",
}


def diagnosis(record: RunRecord) -> Section | None:
    """Every assumption of the model with its verdict."""
    found = record.json(DIAGNOSTICS)
    if found is None:
        return None
    blocks: list[Block] = [
        Note(f"Overall: {plain_text(found.get('overall'))}."),
        Note(f"{plain_text(found.get('test_rows'))} test rows; level {found.get('alpha', '–')}."),
    ]
    columns = [Column("assumption"), Column("verdict"), Column("measured"), Column("to compare with")]
    findings = findings_of(record)
    meanings = any(finding.get("meaning") for finding in findings.values())
    rows = [
        [
            TableCell(plain_text(finding.get("assumption"))),
            TableCell(plain_text(finding.get("verdict")), tone=TONES.get(str(finding.get("verdict")), "")),
            TableCell(plain_text(finding.get("measured"))),
            TableCell(plain_text(finding.get("reference"))),
            *([TableCell(plain_text(finding.get("meaning")))] if meanings else []),
        ]
        for finding in findings.values()
    ]
    columns += [Column("what it means")] if meanings else []
    return Section(
        "Diagnostics: do the assumptions hold?", [*blocks, DataTable("Assumptions", columns, rows)]
    )


def findings_of(record: RunRecord) -> dict[str, Mapping[str, object]]:
    """Key -> finding of the diagnostics; {} without them. Raises InputError if the file is damaged."""
    findings = (record.json(DIAGNOSTICS) or {}).get("findings", {})
    if not isinstance(findings, Mapping) or not all(isinstance(each, Mapping) for each in findings.values()):
        raise InputError(f"{record.path / DIAGNOSTICS}: no findings; run diagnose.py again")
    return {str(key): each for key, each in findings.items()}
