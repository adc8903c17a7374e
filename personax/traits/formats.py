"""The six prompt formats of the paper's Fig. 2: the kind of answer, the number of levels, and their order.

A name such as "number-l3-inc" has three parts. "number" asks for numbers (1, 2, 3), "text" for words (low,
medium, high). "l3" and "l5" are three and five levels. "inc" lists the levels from low to high, "dec" from
high to low. Whatever the prompt says, a score here is 0 (insufficient information) or 1, ..., levels from low
to high.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Output = Literal["number", "text"]
Order = Literal["inc", "dec"]

INSUFFICIENT = "insufficient information"
WORDS: Mapping[int, tuple[str, ...]] = {
    3: ("low", "medium", "high"),
    5: ("very low", "low", "medium", "high", "very high"),
}


class PromptFormat(NamedTuple):
    """One way to ask for a score.

    Attributes:
        output: "number" for numbers, "text" for words.
        levels: 3 or 5; scores are from 1 (low) to `levels` (high), and 0 is insufficient information.
        order: "inc" if the prompt lists the levels from low to high, "dec" from high to low.
    """

    output: Output
    levels: int
    order: Order


FORMATS: Mapping[str, PromptFormat] = {
    "number-l3-inc": PromptFormat("number", 3, "inc"),
    "number-l3-dec": PromptFormat("number", 3, "dec"),
    "number-l5-inc": PromptFormat("number", 5, "inc"),
    "number-l5-dec": PromptFormat("number", 5, "dec"),
    "text-l3-inc": PromptFormat("text", 3, "inc"),
    "text-l5-inc": PromptFormat("text", 5, "inc"),
}
