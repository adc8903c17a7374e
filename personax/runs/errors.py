"""The one exception that commands turn into a single line and exit code 2."""


class InputError(Exception):
    """Input, configuration or environment that the person at the keyboard can put right.

    The message is one line that says what was wrong, where (file, column, row), and what would be right.
    """
