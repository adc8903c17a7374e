"""What checks signatures while the tests run; conftest.py names it."""

from beartype import BeartypeConf, beartype

# an int is a float, as type checkers have it (PEP 484)
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
