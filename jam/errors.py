"""The two ways in which the program says no, and how it sees that there is no memory."""

import errno

_MAX_LETTERS = 500
NO_MEMORY = "there is too little memory: close other programs, or raise the limit (ulimit -v)"


class JamError(Exception):
    """Something failed at run time. The message is one line for the user. Exit status 1."""

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))


class BadInput(JamError):
    """A file, an option or a setting is wrong; the message names it. Exit status 2."""

    exit_status = 2


def is_memory_short(error: BaseException) -> bool:
    """Whether an error says that the system gives no more memory; a thread needs some too."""
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, RuntimeError) and "start new thread" in str(error))
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, ImportError | OSError) and "cannot allocate memory" in str(error))
    )


def _one_line(text: str) -> str:
    """Text of any origin as it can be shown: a line, without its middle where it is long."""
    if len(text) > _MAX_LETTERS:
        text = f"{text[: _MAX_LETTERS // 2]} … {text[-_MAX_LETTERS // 2 :]}"
    return "".join(c if c.isprintable() else "\ufffd" if c > " " else " " for c in text)
