"""Plain values of any origin (JSON, a library's rows) as what they have to be, checked by msgspec.

What is right is said by types with their limits; what is wrong is told with its place, as in
"notes[3][1]: expected a whole number <= 127".
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from jam.errors import BadInput

_MOST_SHOWN = 60
"""Characters of a wrong value."""
_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def checked(value: Any, kind: Any, where: str = "") -> Any:
    """A plain value as a type of msgspec has it. Raises BadInput that names the place in it.

    where: what the value is called itself, "" for what needs no name.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(_said(str(error), where)) from None
    except UnicodeError:  # half of a character, which JSON can escape
        raise BadInput(f"{where or 'a text'}: not Unicode") from None


def checked_json(data: bytes | str, kind: Any, where: str = "") -> Any:
    """The same of JSON. Raises BadInput; RecursionError for what is nested too deeply."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise BadInput(_said(str(error), where)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadInput(f"{where}: {error}" if where else str(error)) from None


def _said(fault: str, where: str) -> str:
    """What msgspec says of a fault, as the program does: the place first, types by their names."""
    text, _, place = fault.partition(" - at ")
    path = "".join(re.findall(r"`\$(.*?)`", place)).replace("[...]", "")
    name = f"{where}{path}".lstrip(".")
    if (unknown := re.match(r"Invalid enum value (.*)", text, re.DOTALL)) is not None:
        value = unknown[1]
        shown = value if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]}…"
        text = f"{shown} is none of the values known here"
    else:
        text = re.sub(r"`([a-z| ]+)`", lambda types: _kinds(types[1]), text)
        text = text[:1].lower() + text[1:]
    return f"{name}: {text}" if name else text


def _kinds(types: str) -> str:
    return " or ".join(_NAMES.get(name, f"“{name}”") for name in types.split(" | "))
