"""The two ways in which the program says no."""


class JamError(Exception):
    """Something failed at run time. The message is one line for the user. Exit status 1."""

    exit_status = 1


class BadInput(JamError):
    """A file, an option or a setting is wrong; the message names it. Exit status 2."""

    exit_status = 2
