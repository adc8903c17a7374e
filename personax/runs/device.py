"""Which device the networks run on."""

import torch

from personax.runs.errors import InputError


def resolve_device(name: str) -> torch.device:
    """The device for `auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:1`. Raises InputError."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name != "cpu" and not name.startswith("cuda"):
        raise InputError(f"device {name!r}: unknown; choose auto, cpu or cuda")
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        wanted = int(name.partition(":")[2] or 0)
        if wanted >= count:
            raise InputError(f"device {name!r}: this machine offers {count} CUDA devices; use --device cpu")
    return torch.device(name)
