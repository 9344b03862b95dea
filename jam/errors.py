"""The two ways in which the program says no."""

_MAX_LETTERS = 500


class JamError(Exception):
    """Something failed at run time. The message is one line for the user. Exit status 1."""

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


class BadInput(JamError):
    """A file, an option or a setting is wrong; the message names it. Exit status 2."""

    exit_status = 2


def _one_line(text: str) -> str:
    """Text of any origin as it can be shown: a line, without its middle where it is long."""
    if len(text) > _MAX_LETTERS:
        text = f"{text[: _MAX_LETTERS // 2]} … {text[-_MAX_LETTERS // 2 :]}"
    return "".join(c if c.isprintable() else "\ufffd" if c > " " else " " for c in text)
