"""A need of memory that this machine cannot meet is refused before anything is made."""

import os

from personax.runs.errors import InputError

GIGABYTE = 1e9


def machine_memory() -> float:
    """Bytes of memory of this machine; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows
        return float("inf")


def require_memory(needed: float, what: str) -> None:
    """Raise InputError if `what` needs more bytes than this machine has.

    `needed` counts only what is held at the same time without doubt, so nothing that would work is refused.
    """
    if needed > machine_memory():
        raise InputError(
            f"{what}: would need {needed / GIGABYTE:,.0f} GB of memory; this machine has "
            f"{machine_memory() / GIGABYTE:,.0f}"
        )


def require_network_memory(hidden: int, networks: int) -> None:
    """Raise InputError if networks with so wide hidden layers cannot be trained on this machine.

    A layer has hidden x hidden numbers of 4 bytes, and training holds each four times: the weight, its
    gradient, and the two means of Adam.
    """
    require_memory(16.0 * networks * hidden**2, f"hidden {hidden}")
