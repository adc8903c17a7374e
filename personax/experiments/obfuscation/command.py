"""Check the options of the command, run it and print what it wrote; config.py has the options."""

from pathlib import Path

from personax.experiments.obfuscation.config import ObfuscationConfig
from personax.experiments.obfuscation.report import obfuscation_report
from personax.experiments.obfuscation.run import obfuscate
from personax.runs.errors import InputError
from personax.runs.run_folder import typed_path


def run_obfuscation(config: ObfuscationConfig) -> Path:
    """Obfuscate or restore a file; return the path of what was written. Raises InputError."""
    check_obfuscation(config)
    made = obfuscate(config)
    print(obfuscation_report(made))
    return made.output


def check_obfuscation(config: ObfuscationConfig) -> None:
    """Raise InputError for options that are missing or contradict each other."""
    if len(config.source) != 1:
        raise InputError(f"{len(config.source)} files given; give one parquet file of vectors")
    for option, value in (("key", config.key), ("output", config.output)):
        if not value:
            raise InputError(f"--{option}: needed, the path of a file")
    source, key, output = (typed_path(path) for path in (config.source[0], config.key, config.output))
    if output.suffix != ".parquet":
        raise InputError(f"--output {config.output}: must end in .parquet")
    if output.resolve() == source.resolve():
        raise InputError(f"--output {config.output}: is the file that is read; name another one")
    if output.exists() and not config.overwrite:
        raise InputError(f"{output}: exists; replace it with --overwrite")
    if key.resolve().parent == output.resolve().parent:
        raise InputError(
            f"--key {config.key}: lies in the folder of the output, and would be passed on with it; keep it "
            "elsewhere"
        )
    if config.condition is not None and config.method != "general":
        raise InputError("--condition: only a general map has one; add --method general")
