"""The exception that commands turn into one line on the screen and exit code 2."""


class InputError(Exception):
    """A mistake in input, configuration or environment that the user of a command can put right.

    The message is one line. It says what is wrong, where (file, column, row), and what would be right.
    """
