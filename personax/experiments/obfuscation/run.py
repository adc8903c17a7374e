"""Obfuscate or restore one file; read or make the key."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from personax.embeddings.obfuscated_files import obfuscate_file, restore_file
from personax.embeddings.obfuscation_key import ObfuscationKey, new_key, read_key, write_key
from personax.embeddings.vector_columns import VectorFile, open_vectors
from personax.experiments.obfuscation.config import ObfuscationConfig
from personax.runs.environment import environment
from personax.runs.errors import InputError, PersonaxError
from personax.runs.files import sha256_file, write_json
from personax.runs.progress import progress
from personax.runs.run_folder import typed_path

DEFAULT_CONDITION = 10.0


class Obfuscated(NamedTuple):
    """What was done.

    Attributes:
        output: the file that was written.
        rows: its number of rows.
        key: the key.
        key_path: where the key is.
        is_new: the key was made now.
        restored: the vectors are plain.
    """

    output: Path
    rows: int
    key: ObfuscationKey
    key_path: Path
    is_new: bool
    restored: bool


def obfuscate(config: ObfuscationConfig) -> Obfuscated:
    """Do what the options say. Raises InputError; then no file is left, and no new key."""
    source = open_vectors(typed_path(config.source[0]))
    output, key_path = typed_path(config.output), typed_path(config.key)
    keep = _names(config.keep)
    is_new = not key_path.exists() and not config.inverse
    key = _new_key(config, source) if is_new else read_key(key_path)
    if not is_new:
        _refuse_other_options(config, key, key_path)
    if is_new:
        write_key(key, key_path)  # first: what is obfuscated with a lost key is lost
    try:
        with progress(source.rows, "vectors", "row") as bar:
            if config.inverse:
                rows = restore_file(source, output, key, keep, on_rows=bar.update)
            else:
                rows = obfuscate_file(source, output, key, keep, seed=config.seed, on_rows=bar.update)
    except PersonaxError:
        if is_new:
            key_path.unlink(missing_ok=True)
        raise
    write_manifest(config, source, key, output)
    return Obfuscated(output, rows, key, key_path, is_new, config.inverse)


def write_manifest(config: ObfuscationConfig, source: VectorFile, key: ObfuscationKey, output: Path) -> None:
    """Say beside the output how it was made; neither the secret, nor the seed, nor where the key is."""
    facts = {
        "restored": config.inverse,
        "key_label": key.label,
        "method": key.method,
        "condition": key.condition,
        "noise": key.noise,
        "columns": dict(source.widths),
        "rows": source.rows,
        "sha256": sha256_file(output),
        **environment(),
    }
    write_json(output.with_suffix(".manifest.json"), facts)


def _new_key(config: ObfuscationConfig, source: VectorFile) -> ObfuscationKey:
    """A key for the columns of a file."""
    method = config.method or "orthogonal"
    condition = (config.condition or DEFAULT_CONDITION) if method == "general" else 1.0
    return new_key(method, condition, config.noise or 0.0, source.widths, config.seed)


def _refuse_other_options(config: ObfuscationConfig, key: ObfuscationKey, path: Path) -> None:
    """Raise InputError for options of a new key that an existing key answers otherwise."""
    known = {"method": key.method, "condition": key.condition, "noise": key.noise}
    for option, value in known.items():
        given = getattr(config, option)
        if given is not None and given != value:
            raise InputError(
                f"--{option} {given}: the key {path} has {value}; leave the option out, or name a new key"
            )
    if config.seed is not None:
        raise InputError(f"--seed: the key {path} exists already; leave the seed out, or name a new key")


def _names(given: str | None) -> Sequence[str]:
    return [] if given is None else [name.strip() for name in given.split(",")]
