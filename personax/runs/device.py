"""Which device the networks run on."""

import re

import torch

from personax.runs.errors import InputError


def resolve_device(device: str | torch.device) -> torch.device:
    """The device for `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:1`. Raises InputError."""
    name = str(device)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    known = re.fullmatch(r"cpu|cuda(?::([0-9]{1,4}))?", name)
    if not known:
        raise InputError(f"device {name[:40]!r}: unknown; choose auto, cpu, cuda or cuda:1")
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        wanted = int(known[1] or 0)
        if wanted >= count:
            raise InputError(f"device {name!r}: this machine offers {count} CUDA devices; use --device cpu")
    return torch.device(name)
