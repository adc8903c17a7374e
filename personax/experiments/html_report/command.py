"""Check the options of the command, run it and print what it found; config.py has the options."""

import os
from pathlib import Path

from personax.experiments.html_report.config import ReportConfig
from personax.experiments.html_report.reading import read_records
from personax.experiments.html_report.run import page_of, page_within_limit
from personax.runs.errors import InputError
from personax.runs.files import write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.run_folder import typed_path

REPORT = "report.html"


def run_report(config: ReportConfig) -> Path:
    """Read the folders, write the page and print where it is. Raises InputError."""
    if not config.folders:
        raise InputError("no folder given; name a finished run folder, as results/independence/athlete")
    folders = [typed_path(folder) for folder in config.folders]
    output = report_path(config, folders)
    records = read_records(folders)
    with locked_folder(output.parent):
        report_path(config, folders)  # another process may just have written it
        html = page_within_limit(page_of(records, config), config.most_rows)
        write_text(output, html)
    mark = "SIMULATED DATA. " if any(record.simulated for record in records) else ""
    print(f"{mark}{len(records)} run{'s'[: len(records) != 1]}, {len(html.encode()) / 1e6:.1f} MB: {output}")
    return output


def report_path(config: ReportConfig, folders: list[Path]) -> Path:
    """The file of the page. Raises InputError if it exists and --overwrite is not given."""
    home = folders[0] if len(folders) == 1 else Path(os.path.commonpath(folders))
    output = typed_path(config.output) if config.output else home / REPORT
    if output.suffix not in (".html", ".htm"):
        raise InputError(f"--output {output}: must end with .html")
    if output.is_dir():
        raise InputError(f"--output {output}: is a folder; name a file that ends with .html")
    if output.exists() and not config.overwrite:
        raise InputError(f"{output}: exists; replace it with --overwrite or choose another --output")
    return output
