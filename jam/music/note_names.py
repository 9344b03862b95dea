"""What notes are called by musicians of many languages; every name in English. Pure.

English C D E F G A B; German H for B natural, B for B flat, Fis, Es, As; Dutch alike, but with a B
natural, Bes and Es; French, Italian and Spanish Do Re Mi Fa Sol La Si, with # and b or in words.
"""

from __future__ import annotations

import re
from typing import Literal

Naming = Literal["english", "german", "solfege"]
"""What notes are called: German writers call B natural H, and B flat B; Romance ones sing."""

_ROOT = re.compile(r"([A-Ha-h])([#b]*)")
_GERMAN_ROOT = re.compile(
    r"(?:([ACDFGHacdfgh])(iss?|ess?)|([AEae])(ss?|ess?)|([BbEeAaDdGgHh])(ess?|iss?))(?!us)"
)
_SUNG_ROOT = re.compile(
    r"(do|re|mi|fa|sol|la|si|Do|Re|Mi|Fa|Sol|La|Si|DO|RE|MI|FA|SOL|LA|SI)(?!n|lo$|d$)"
)
_SIGN_WORDS = re.compile(r"(?:(bemolle|bemol)|(?:diesis|diese|sostenido))", re.IGNORECASE)
_MODE_WORDS = re.compile(r"(?:(mineur|minore|menor)|majeur|maggiore|mayor)", re.IGNORECASE)
_SUNG = {"do": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_ONLY_SUNG = re.compile(r"(?:Re|Mi|Sol|La|Si|RE|MI|SOL|LA|SI)(?![ac-ln-z])(?!d$)")
_ONLY_SUNG_FA = re.compile(r"(?:Fa|FA)(?![a-z])")
_FLAT_B = re.compile(r"B(?:b|es)")


def naming_shown(symbol: str) -> Naming | None:
    """The naming that a chord symbol without spaces gives away by its root; None: any."""
    if symbol[:1] in ("H", "h"):
        return "german"
    if _ONLY_SUNG.match(symbol) or _ONLY_SUNG_FA.match(symbol):
        return "solfege"
    found = _GERMAN_ROOT.match(symbol)
    # A B flat that says so ("Bes", "Bb") leaves B to be B natural: Dutch, or a mixture.
    return "german" if found and symbol[0] not in "Bb" and found[0].lower() != "bis" else None


def has_flat_b(symbol: str) -> bool:
    """Whether a symbol calls B flat by a name that isn't B."""
    return bool(_FLAT_B.match(symbol))


def root_of(symbol: str, naming: Naming) -> tuple[str, str]:
    """The English name of the note that a symbol begins with, and what follows. Raises ValueError.

    Where notes are German, a small letter is a minor chord: what follows begins with "m" then.
    """
    sung = _SUNG_ROOT if naming == "solfege" else _ONLY_SUNG
    if found := sung.match(symbol):
        sign, rest = _sign_of(symbol[found.end() :])
        if mode := _MODE_WORDS.match(rest):
            rest = ("m" if mode[1] else "") + rest[mode.end() :]
        return _SUNG[found[0].lower()] + sign, rest
    if (found := _GERMAN_ROOT.match(symbol)) and found[0].lower() != "bis":
        letter = found[0][0].upper()
        name = _of_h(letter, naming, "#" if found[0].rstrip("s").endswith("i") else "b")
    elif found := _ROOT.match(symbol):
        name = _of_h(found[1].upper(), naming, found[2])
    else:
        raise ValueError(symbol)
    rest = symbol[found.end() :]
    is_minor = naming == "german" and symbol[0].islower() and not re.match(r"[-mo°øΔ+]|dim", rest)
    return name, "m" * is_minor + rest


def bass_of(name: str, naming: Naming) -> str:
    """The English name of a note that stands alone. Raises ValueError."""
    if naming != "solfege" and not _ONLY_SUNG.match(name):
        name = name[0].upper() + name[1:]
    found, rest = root_of(name, naming)
    if rest:
        raise ValueError(name)
    return found


def _sign_of(text: str) -> tuple[str, str]:
    """The accidental behind a sung name, in signs or in words, and the rest."""
    if word := _SIGN_WORDS.match(text):
        return "b" if word[1] else "#", text[word.end() :]
    signs = re.match(r"[#b]*", text)
    assert signs is not None
    return signs[0], text[signs.end() :]


def _of_h(letter: str, naming: Naming, signs: str) -> str:
    if letter == "H":
        return "B" + signs
    # Beside an H, a B alone is B flat; "Bb" and "Bes" say so themselves.
    return "Bb" if letter == "B" and not signs and naming == "german" else letter + signs
