"""Units of body measures: how many centimetres an inch has, and which unit a number looks like."""

from personax.tables.schema import ColumnDeclaration, plain

# Unit of the schema -> unit that a file may have -> (its other spellings, how many of the schema's it has).
_UNITS: dict[str, dict[str, tuple[tuple[str, ...], float]]] = {
    "cm": {
        "cm": (("centimetre", "centimeter", "centimetres", "centimeters"), 1.0),
        "mm": (("millimetre", "millimeter"), 0.1),
        "m": (("metre", "meter", "metres", "meters"), 100.0),
        "in": (("inch", "inches"), 2.54),
        "ft": (("foot", "feet"), 30.48),
    },
    "kg": {
        "kg": (("kilogram", "kilograms", "kilo", "kilos"), 1.0),
        "g": (("gram", "grams"), 0.001),
        "lb": (("lbs", "pound", "pounds"), 0.45359237),
        "st": (("stone", "stones"), 6.35029318),
    },
}

ALL_UNITS = tuple(unit for units in _UNITS.values() for unit in units)


def units_like(unit: str) -> tuple[str, ...]:
    """The units that can become `unit`, itself among them; none if it is no unit of length or weight.

    >>> units_like("kg")
    ('kg', 'g', 'lb', 'st')
    """
    return tuple(_UNITS.get(unit, ()))


def unit_named(word: str, unit: str) -> str | None:
    """The unit that `word` means among those that can become `unit`, or None.

    >>> unit_named("Pounds", "kg"), unit_named("pounds", "cm")
    ('lb', None)
    """
    spelled = word.strip().lower()
    known = _UNITS.get(unit, {}).items()
    return next((name for name, (others, _) in known if spelled in (name, *others)), None)


def factor_between(found: str, unit: str) -> float:
    """By what a number in the unit `found` is multiplied to be in `unit`.

    >>> factor_between("in", "cm")
    2.54
    """
    return _UNITS[unit][found][1]


def unit_in_name(name: str, column: ColumnDeclaration) -> str | None:
    """The unit that the name of a column states beside the feature's own name, or None.

    Examples:
        >>> from personax.tables.schema import ANY_TABLE
        >>> height = next(column for column in ANY_TABLE if column.name == "Height")
        >>> unit_in_name("height_inches", height), unit_in_name("height", height)
        ('in', None)
    """
    spelled, own = plain(name), plain(column.name)
    return unit_named(spelled.removeprefix(own), column.unit) if spelled.startswith(own) else None


def unit_of_median(median: float, column: ColumnDeclaration) -> str | None:
    """The unit in which a median is typical of the feature; None if there is none, or nothing is known."""
    if column.typical is None:
        return None
    low, high = column.typical
    units = units_like(column.unit)
    return next((unit for unit in units if low <= median * factor_between(unit, column.unit) <= high), None)
