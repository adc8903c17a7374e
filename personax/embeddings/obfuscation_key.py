"""The key of an obfuscation: a secret of 256 bits in a file of its own, which only its owner can read.

All matrices are drawn from the secret with SHAKE-256, so a key is a short file, works with every version of
numpy, and says nothing about another key. Whoever has it can undo the obfuscation; so nothing of the secret
is written anywhere else. What is obfuscated with it carries the key's label, a random word that is
independent of the secret.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from personax.runs.errors import InputError
from personax.runs.files import make_folder, read_json

FORMAT = "personax obfuscation key 1"
OWNER_ONLY = 0o600
_BYTES_OF_A_SECRET = 32


@dataclass(frozen=True)
class ObfuscationKey:
    """A key.

    Attributes:
        secret: 64 hexadecimal digits.
        label: names the key; 16 hexadecimal digits.
        method: orthogonal or general.
        condition: ratio of the largest to the smallest stretch of a general map; 1 if it is orthogonal.
        noise: standard deviation of the added noise, in typical standard deviations of a coordinate.
        widths: column -> numbers in its vectors.
    """

    secret: str
    label: str
    method: str
    condition: float
    noise: float
    widths: Mapping[str, int]

    def normals(self, name: str, shape: tuple[int, int]) -> Float[np.ndarray, "n d"]:
        """Standard normal numbers that only the secret and `name` determine (Box & Muller 1958)."""
        rows, columns = shape
        pairs = (rows * columns + 1) // 2
        text = f"{FORMAT} {name}".encode()
        stream = hashlib.shake_256(bytes.fromhex(self.secret) + text).digest(16 * pairs)
        uniform = (np.frombuffer(stream, dtype="<u8") >> 11).astype(np.float64).reshape(2, pairs) + 0.5
        radius, angle = np.sqrt(-2 * np.log(uniform[0] * 2.0**-53)), 2 * np.pi * 2.0**-53 * uniform[1]
        both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
        return both[: rows * columns].reshape(rows, columns)


def new_key(
    method: str, condition: float, noise: float, widths: Mapping[str, int], seed: int | None = None
) -> ObfuscationKey:
    """A new key, from the operating system's random numbers.

    With a `seed` the key is the same every time, for studies. A seed has 32 bits at most, so whoever tries
    all of them finds the key: what is released must not be made with one.
    """
    if seed is None:
        secret = secrets.token_hex(_BYTES_OF_A_SECRET)
    else:
        secret = hashlib.sha256(f"{FORMAT} seed {seed}".encode()).hexdigest()
    return ObfuscationKey(secret, secrets.token_hex(8), method, condition, noise, dict(widths))


def write_key(key: ObfuscationKey, path: Path) -> None:
    """Write a key to a new file that only its owner can read. Raises InputError if there is one already."""
    make_folder(path.parent)
    content = json.dumps({"format": FORMAT, **asdict(key)}, indent=2) + "\n"
    try:
        # O_EXCL: a key is never replaced, because what was made with it would be lost.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError as error:
        raise InputError(f"{path}: exists; a key is never replaced, choose another --key") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another --key") from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def read_key(path: Path) -> ObfuscationKey:
    """The key in a file. Raises InputError if it is none, or if others than its owner can read it."""
    found = read_json(path)
    if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
        raise InputError(f"{path}: no key of this program; name the file that obfuscate has written as --key")
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InputError(f"{path}: others can read this key; make it yours alone: chmod 600 {path}")
    if not _is_key(found):
        raise InputError(f"{path}: a damaged key; take its copy")
    return ObfuscationKey(**found)


def _is_key(found: Mapping[str, Any]) -> bool:
    """Whether the entries of a file are those of a key."""
    if set(found) != set(ObfuscationKey.__dataclass_fields__) or not isinstance(found["widths"], dict):
        return False
    numbers = [found["condition"], found["noise"], *found["widths"].values()]
    return (
        re.fullmatch("[0-9a-f]{64}", str(found["secret"])) is not None
        and isinstance(found["label"], str)
        and found["method"] in ("orthogonal", "general")
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
        and all(isinstance(width, int) and width > 0 for width in found["widths"].values())
        and found["condition"] >= 1
        and found["noise"] >= 0
    )
