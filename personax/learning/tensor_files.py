"""Files of tensors; equal tensors give equal files."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from personax.runs.files import atomic_path


def save_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write tensors in plain containers, atomically, as `torch.load(path, weights_only=True)` reads them.

    torch names the inside of a file after its path, which is a temporary one here. So the bytes are made
    without a path. Raises InputError if the place cannot be written, or is full.
    """
    made = BytesIO()
    torch.save(dict(tensors), made)
    with atomic_path(path) as temporary:
        temporary.write_bytes(made.getbuffer())
