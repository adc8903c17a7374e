"""Numbers of the paper's Fig. 2 and Tab. 1 that are public (Li et al. 2026).

The distances are printed in the figure. The medians of the boxes are read off the figure by eye, so they are
right to about 0.02. The values of the radar charts and most of Tab. 1 are not to be had.
"""

from collections.abc import Mapping
from typing import NamedTuple

PUBLISHED_SOURCE = "Li et al. 2026, Fig. 2"


class FormatPair(NamedTuple):
    """Two prompts that are compared, in the order of the paper."""

    first: str
    second: str


FORMAT_PAIRS: Mapping[str, FormatPair] = {
    "a": FormatPair("number-l5-inc", "text-l5-inc"),
    "b": FormatPair("number-l5-dec", "text-l5-inc"),
    "c": FormatPair("number-l5-inc", "number-l5-dec"),
    "d": FormatPair("number-l3-inc", "text-l3-inc"),
    "e": FormatPair("number-l3-dec", "text-l3-inc"),
    "f": FormatPair("number-l3-inc", "number-l3-dec"),
}

# The format -> how the paper writes it, in the order of its box plots.
FORMAT_TITLES: Mapping[str, str] = {
    "number-l3-inc": "Number-L3-Inc",
    "number-l5-inc": "Number-L5-Inc",
    "number-l3-dec": "Number-L3-Dec",
    "number-l5-dec": "Number-L5-Dec",
    "text-l3-inc": "Text-L3-Inc",
    "text-l5-inc": "Text-L5-Inc",
}

AVERAGE = "Avg."
# Table -> model -> distances of the pairs a to f, and their mean as it is printed.
PUBLISHED_DISTANCES: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "CelebPersona": {
        "Gemini-2.5-Pro": (1.13, 1.42, 1.08, 0.72, 0.72, 0.76, 0.97),
        "ChatGPT-4o-Latest": (0.91, 1.58, 1.72, 0.66, 1.01, 0.81, 1.12),
        "Grok-3-Beta": (1.60, 1.46, 1.35, 1.27, 1.16, 1.20, 1.34),
        "Llama-4-Maverick": (1.84, 2.00, 1.71, 0.92, 0.83, 0.77, 1.35),
        "Qwen2.5-Max": (2.04, 2.06, 1.92, 1.45, 1.40, 1.28, 1.69),
        AVERAGE: (1.50, 1.70, 1.56, 1.00, 1.02, 0.96, 1.29),
    },
    "AthlePersona": {
        "Gemini-2.5-Pro": (1.65, 1.75, 1.66, 1.25, 1.17, 1.22, 1.45),
        "ChatGPT-4o-Latest": (1.87, 1.86, 1.92, 1.39, 1.95, 1.58, 1.76),
        "Grok-3-Beta": (1.42, 1.27, 0.86, 1.55, 1.38, 1.67, 1.36),
        "Llama-4-Maverick": (2.58, 1.79, 2.49, 1.12, 1.10, 0.80, 1.65),
        "Qwen2.5-Max": (2.80, 2.78, 2.82, 1.93, 1.98, 1.86, 2.36),
        AVERAGE: (2.06, 1.89, 1.95, 1.45, 1.52, 1.43, 1.72),
    },
}

# Table -> model -> median over people of the mean standard deviation, in the order of FORMAT_TITLES.
PUBLISHED_MEDIANS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "CelebPersona": {
        "Llama-4-Maverick": (0, 0, 0, 0, 0.04, 0),
        "Gemini-2.5-Pro": (0.08, 0.10, 0.04, 0, 0.08, 0.08),
        "ChatGPT-4o-Latest": (0.09, 0.09, 0.08, 0.09, 0.08, 0.09),
        "Grok-3-Beta": (0.18, 0.10, 0.14, 0.22, 0.16, 0.18),
        "Qwen2.5-Max": (0.29, 0.48, 0.46, 0.63, 0.28, 0.49),
    },
    "AthlePersona": {
        "Llama-4-Maverick": (0, 0, 0, 0, 0, 0),
        "Gemini-2.5-Pro": (0.08, 0.04, 0.04, 0.13, 0, 0.16),
        "ChatGPT-4o-Latest": (0.08, 0.26, 0.10, 0.18, 0.09, 0.09),
        "Grok-3-Beta": (0.19, 0.18, 0.16, 0.16, 0.18, 0.18),
        "Qwen2.5-Max": (0.44, 0.76, 0.59, 0.78, 0.48, 0.59),
    },
}

# Tab. 1: of ten models the best, ChatGPT-4o, has this overall score; how it was computed is not known.
PUBLISHED_OVERALL: Mapping[str, float] = {"ChatGPT-4o-Latest": 0.96}


def format_title(name: str) -> str:
    """The format as the paper writes it; other formats keep their names.

    >>> format_title("number-l3-inc"), format_title("mine")
    ('Number-L3-Inc', 'mine')
    """
    return FORMAT_TITLES.get(name, name)
