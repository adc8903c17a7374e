"""What the columns of AthlePersona and CelebPersona mean: one declaration for each column.

The names are those of the paper's Fig. 1. The aliases are the names in the authors' private CSV files and
other spellings. Upper and lower case, blanks, brackets and underscores never matter. If the loader should
recognise a new column, add a line here. For a single file, write a `--columns` file instead (column_map.py).
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from personax.independence.columns import Kind

DatasetName = Literal["athlete", "celeb"]
DatePart = Literal["year", "month", "day", "day_of_year"]
DATE_PARTS: tuple[DatePart, ...] = get_args(DatePart)

TRAITS = ("Openness", "Conscientiousness", "Extraversion", "Agreeableness", "Neuroticism")
LLMS = ("chatgpt", "gemini", "llama")
LLM_NAMES = {"chatgpt": "ChatGPT-4o", "gemini": "Gemini-2.5-Pro", "llama": "Llama-4-Maverick"}

# Cells that mean "no value", unless a column says otherwise. Upper and lower case are the same. An empty cell
# means so in every column.
MISSING = ("", "na", "n/a", "nan", "none", "null", "-", "?", "unknown", "<na>")

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class ColumnDeclaration:
    """One feature or target of a table.

    Attributes:
        name: canonical name, as in Fig. 1.
        kind: continuous, ordinal (ordered values), nominal (labels or numbers without order) or circular.
        aliases: other names of the column.
        unit: unit of the values in the file, or what the numbers stand for; "?" if nobody has said yet.
        low, high: lowest and highest allowed number in the file, both included.
        missing: cells that mean "no value" in this column. Empty cells always do.
        period: length of the circle, for circular columns.
        optional: True if the report should not mention that a file lacks the column.
        order: labels from the lowest to the highest, for ordinal columns of words.
        part: what is read from a date; None if the cells are no dates.
        date_format: how a date is written, in the letters of `strptime`; "" is 2001-12-31.
        factor: number by which the file's values are multiplied, because the unit here is another.
        typical: between which numbers (after that multiplication) the median lies, if the unit is right.
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    missing: tuple[str, ...] = MISSING
    period: float | None = None
    optional: bool = False
    order: tuple[str, ...] = ()
    part: DatePart | None = None
    date_format: str = ""
    factor: float = 1.0
    typical: tuple[float, float] | None = None


def _face_attribute(name: str, *aliases: str, optional: bool = False) -> ColumnDeclaration:
    """A face attribute of CelebA: -1 absent, +1 present (0 and 1 are accepted as well)."""
    return ColumnDeclaration(name, "nominal", aliases, "-1 no, 1 yes", -1.0, 1.0, optional=optional)


_BIRTH = (
    ColumnDeclaration(
        "Birthyear", "ordinal", ("Year", "Birth_year", "Year_of_birth"), "year", 1000.0, 2030.0
    ),
    ColumnDeclaration(
        "Birthmonth", "circular", ("Month", "Birth_month", "Month_of_birth"), "month", 1.0, 12.0, period=12.0
    ),
    # The day of the month is not circular, because months differ in length.
    ColumnDeclaration(
        "Birthday", "ordinal", ("Day", "Birth_day", "Day_of_birth"), "day of the month", 1.0, 31.0
    ),
)
_PLACE = (
    ColumnDeclaration("Latitude", "continuous", ("Lat",), "degrees north", -90.0, 90.0),
    ColumnDeclaration("Longitude", "continuous", ("Lon", "Lng", "Long"), "degrees east", -180.0, 180.0),
)
_ZERO_TOO = (*MISSING, "0", "0.0")
_BODY = (
    ColumnDeclaration(
        "Weight",
        "continuous",
        ("Weight(kg)", "Weight_kg"),
        "kg",
        20.0,
        400.0,
        _ZERO_TOO,
        typical=(35.0, 125.0),
    ),
    ColumnDeclaration(
        "Height",
        "continuous",
        ("Height(cm)", "Height_cm"),
        "cm",
        50.0,
        275.0,
        _ZERO_TOO,
        typical=(100.0, 220.0),
    ),
)

ATHLETE = (
    ColumnDeclaration("League", "nominal", ("Type", "Type_idx", "League_idx"), "league or its index"),
    *_BIRTH,
    *_PLACE,
    *_BODY,
)

CELEB = (
    *_BIRTH,
    ColumnDeclaration(
        "Day_of_year",
        "circular",
        ("Day index", "Dayofyear"),
        "day",
        1.0,
        366.0,
        period=DAYS_PER_YEAR,
        optional=True,
    ),
    ColumnDeclaration("Day_sin", "continuous", (), "sine of the day of the year", -1.0, 1.0, optional=True),
    ColumnDeclaration("Day_cos", "continuous", (), "cosine of the day of the year", -1.0, 1.0, optional=True),
    *_PLACE,
    *_BODY,
    ColumnDeclaration("Occupation", "nominal", ("Occupation_idx",), "occupation or its index"),
    ColumnDeclaration("Gender", "nominal", ("Gender_idx", "Sex"), "gender or its index"),
    _face_attribute("Arched_Eyebrows"),
    _face_attribute("Big_Nose"),
    _face_attribute("Pointy_Nose"),
    _face_attribute("Bushy_Eyebrows"),
    _face_attribute("Big_Lips"),
    _face_attribute("Oval_Face"),
    _face_attribute("Double_Chin"),
    _face_attribute("Receding_Hairline"),
    _face_attribute("Narrow_Eyes"),
    _face_attribute("High_Cheekbones"),
    _face_attribute("Chubby", optional=True),
)

# Every known feature once. Tables that are neither of the two are read with all of them.
ANY_TABLE = tuple({column.name: column for column in (*ATHLETE, *CELEB)}.values())


def schema_of(dataset: DatasetName | None) -> tuple[ColumnDeclaration, ...]:
    """The declared features of a table, in the order in which they are shown."""
    return {"athlete": ATHLETE, "celeb": CELEB, None: ANY_TABLE}[dataset]


ID_NAMES = ("ID", "Person_id", "Identity", "Identity_id", "Idx")

# Columns of the tables that are not used here.
UNUSED_NAMES = ("image_path", "image", "file_name", "Description", "split")

# This column marks every row of a simulated table, so that the mark is still there after a conversion to CSV.
SIMULATED_NAME = "Simulated"
# Prefix of the columns that hold the true latents of a simulated table.
TRUTH_PREFIX = "truth_"


def plain(name: str) -> str:
    """The letters and digits of `name` in lower case, for comparing names.

    Examples:
        >>> plain("Height (cm)") == plain("height_cm") == "heightcm"
        True
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())
