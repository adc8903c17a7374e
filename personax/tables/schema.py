"""What the columns of AthlePersona and CelebPersona mean: one declaration a column.

The names are those of the paper's Fig. 1; the aliases are those of the authors' private CSV files and
spellings that differ in case, blanks, brackets or underscores (which are never significant). To teach the
loader a new column, add a line here; for a single file, write a `--columns` file instead (columns.py).
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["continuous", "ordinal", "nominal", "circular"]
KINDS: tuple[str, ...] = get_args(Kind)

DatasetName = Literal["athlete", "celeb"]

TRAITS = ("Openness", "Conscientiousness", "Extraversion", "Agreeableness", "Neuroticism")
LLMS = ("chatgpt", "gemini", "llama")
LLM_NAMES = {"chatgpt": "ChatGPT-4o", "gemini": "Gemini-2.5-Pro", "llama": "Llama-4-Maverick"}

# Cells that mean "no value" in every column, compared without case.
MISSING = ("", "na", "n/a", "nan", "none", "null", "-", "?", "unknown", "<na>")

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Column:
    """One feature of a table.

    Attributes:
        name: canonical name, as in Fig. 1.
        kind: continuous, ordinal (ordered values), nominal (labels or codes without order) or circular.
        aliases: further spellings.
        unit: unit of the values, or what they code; for the report only.
        low, high: inclusive range of a number; a value outside is refused.
        missing: cells that mean "no value" here, beside `MISSING`.
        period: length of the circle (circular columns).
        optional: not reported as missing when a file lacks it.
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    missing: tuple[str, ...] = ()
    period: float | None = None
    optional: bool = False


def _face(name: str, *aliases: str, optional: bool = False) -> Column:
    """A CelebA attribute: -1 absent, +1 present (0/1 coding is accepted as well)."""
    return Column(name, "nominal", aliases, "-1 no, 1 yes", -1, 1, optional=optional)


_BIRTH = (
    Column("Birthyear", "ordinal", ("Year", "Birth_year", "Year_of_birth"), "year", 1000, 2030),
    Column("Birthmonth", "circular", ("Month", "Birth_month", "Month_of_birth"), "month", 1, 12, period=12),
    # Day of the month has no period of its own: months differ in length.
    Column("Birthday", "ordinal", ("Day", "Birth_day", "Day_of_birth"), "day of the month", 1, 31),
)
_PLACE = (
    Column("Latitude", "continuous", ("Lat",), "degrees north", -90, 90),
    Column("Longitude", "continuous", ("Lon", "Lng", "Long"), "degrees east", -180, 180),
)
_BODY = (
    Column("Weight", "continuous", ("Weight(kg)", "Weight_kg"), "kg", 20, 400, ("0", "0.0")),
    Column("Height", "continuous", ("Height(cm)", "Height_cm"), "cm", 50, 275, ("0", "0.0")),
)

ATHLETE = (
    Column("League", "nominal", ("Type", "Type_idx", "League_idx"), "league or its index"),
    *_BIRTH,
    *_PLACE,
    *_BODY,
)

CELEB = (
    *_BIRTH,
    Column(
        "Day_of_year",
        "circular",
        ("Day index", "Dayofyear"),
        "day",
        1,
        366,
        period=DAYS_PER_YEAR,
        optional=True,
    ),
    Column("Day_sin", "continuous", (), "sine of the day of the year", -1, 1, optional=True),
    Column("Day_cos", "continuous", (), "cosine of the day of the year", -1, 1, optional=True),
    *_PLACE,
    *_BODY,
    Column("Occupation", "nominal", ("Occupation_idx",), "occupation or its index"),
    Column("Gender", "nominal", ("Gender_idx", "Sex"), "gender or its index"),
    _face("Arched_Eyebrows"),
    _face("Big_Nose"),
    _face("Pointy_Nose"),
    _face("Bushy_Eyebrows"),
    _face("Big_Lips"),
    _face("Oval_Face"),
    _face("Double_Chin"),
    _face("Receding_Hairline"),
    _face("Narrow_Eyes"),
    _face("High_Cheekbones"),
    _face("Chubby", optional=True),
)

# Every known feature once: tables that are neither of the two are read with all of them.
ANY_TABLE = tuple({column.name: column for column in (*ATHLETE, *CELEB)}.values())


def schema_of(dataset: DatasetName | None) -> tuple[Column, ...]:
    """The declared features of a table, in the order in which they are shown."""
    return {"athlete": ATHLETE, "celeb": CELEB, None: ANY_TABLE}[dataset]


ID_NAMES = ("ID", "Person_id", "Identity", "Identity_id", "Idx")

# Known to belong to the tables, and of no use here.
UNUSED_NAMES = ("image_path", "image", "file_name", "Description", "split")

# A column that marks every row of a simulated table, so that the mark survives a conversion to CSV.
SIMULATED_NAME = "Simulated"
# Prefix of the columns that hold the true latents of a simulated table.
TRUTH_PREFIX = "truth_"


def plain(name: str) -> str:
    """`name` in lower case without anything but letters and digits: `Height (cm)` and `height_cm` agree."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
