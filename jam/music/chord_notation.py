"""Chord symbols: lead-sheet symbols of every country and program, Harte's syntax, MusicXML kinds.

Each is reduced to a `Chord` of the table in `jam.music.chord`; what was written is kept beside it
(`Symbol`), so that a file gives back the symbols that it was given.
"""

from __future__ import annotations

import re
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from jam.limits import CHORD_CHARACTERS
from jam.music.chord import QUALITIES, Chord, pitch_class, quality_of_intervals

NO_CHORD_SYMBOL = "N.C."

Naming = Literal["english", "german", "solfege"]
"""What notes are called: German writers call B natural H, and B flat B; Romance ones sing."""

_Place = TypeVar("_Place")

Degree = tuple[str, int, int]
"""A `degree` of MusicXML: ("add", "alter" or "subtract", value, alteration in semitones)."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A chord symbol taken apart; every name in English.

    root and suffix: what is written ("F#", "m7b5"); "" and "N.C." for no chord. bass: the name
    behind the slash, "" without one. kind, degrees: the same for MusicXML (4.0, kind-value); a
    kind of "none" is no chord.
    """

    chord: Chord | None
    root: str
    suffix: str
    bass: str
    kind: str
    degrees: tuple[Degree, ...] = ()

    @property
    def text(self) -> str:
        return self.root + self.suffix + (f"/{self.bass}" if self.bass else "")


# Signs that look alike, as one: prime sharps and flats, degree signs, dashes, triangles.
_ALIKE = str.maketrans(
    {
        "♯": "#",
        "＃": "#",
        "♭": "b",
        "♮": "",
        "𝄪": "##",
        "𝄫": "bb",
        "º": "°",
        "˚": "°",
        "∘": "°",
        "○": "°",
        "Ø": "ø",
        "Φ": "ø",
        "φ": "ø",
        "⌀": "ø",
        "∅": "ø",
        "∆": "Δ",
        "△": "Δ",
        "▵": "Δ",
        "–": "-",
        "−": "-",
        "—": "-",
        "\u2010": "-",
        "\u2011": "-",
        "’": "'",
    }
)
SAME_CHORD = frozenset(("%", "/", "//", "///", "////"))
"""What says that the chord before goes on."""
_NO_CHORD = frozenset(("", "nc", "n/c", "n", "nochord", "none", "tacet", "noharmony", "-", "--"))
_ROOT = re.compile(r"([A-Ha-h])([#b]*)")
_BASS = re.compile(r"(.*)(?:[/\\]|(?:on|over)(?=[A-H]))([A-Ha-h](?:[#b]*|(?:is|es|s)(?![a-z])))")
_GERMAN_ROOT = re.compile(
    r"(?:([ACDFGHacdfgh])(is|es)|([AEae])(s|es)|([BbEeAaDdGgHh])(es|is))(?!us)"
)
_SOLFEGE = re.compile(r"(do|re|mi|fa|sol|la|si|Do|Re|Mi|Fa|Sol|La|Si|DO|RE|MI|FA|SOL|LA|SI)(?!n)")
_SUNG = {"do": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_ONLY_SUNG = re.compile(r"(?:Re|Mi|Sol|La|Si|RE|MI|SOL|LA|SI)(?![ac-ln-z])")
_ALTERNATE = re.compile(r"\(([A-H][^()]*)\)$")

# What may follow the root of a lead-sheet symbol, in the order in which it is tried.
_SYMBOL_PARTS = re.compile(
    r"(?P<half>ø|hdim|h(?=7|$))"
    r"|(?P<dim>dim|°|o(?!m)|d(?=7|$))"
    r"|(?P<alt>alt)"
    r"|(?P<add>add(?:(?P<add_sign>[#b+-]?)(?P<added>\d+))?)"
    r"|(?P<no>(?:no|omit|om)(?P<left_out>[357])(?:rd|th)?)"
    r"|(?P<sus>sus(?P<sus_degree>[24](?!\d))?)"
    r"|(?P<dom>dom(?:inant)?)"
    r"|(?P<minor>MIN|MI|[Mm]in(?:or)?|mi(?!n)|m(?!aj|a(?:\d|$)))"
    r"|(?P<major>MAJ|MA|[Mm]ajor|[Mm]aj|ma|M|Δ|\^|j)"
    r"|(?P<signed>[#b+-](?P<altered>5|9|11|13|4|6|7))"
    r"|(?P<aug>aug(?:mented)?|\+)"
    r"|(?P<minus>-)"
    r"|(?P<degree>13|11|9|7|69|6|5|4|2)(?P<after>(?<!7)[#b](?=$|\D|\d+[#b]))?"
)


def naming_of(symbols: Iterable[str]) -> Naming:
    """What the symbols of one file call their notes: a single H or Sol decides for all of them."""
    found: Naming = "english"
    for text in symbols:
        plain = _plain(text[:CHORD_CHARACTERS])
        if plain[:1] == "H" and _is_read(plain, "german"):
            return "german"
        if _ONLY_SUNG.match(plain) and _is_read(plain, "solfege"):
            found = "solfege"
    return found


def _is_read(plain: str, naming: Naming) -> bool:
    try:
        _read(plain, naming)
    except ValueError:
        return False
    return True


def parse_symbol(text: str, naming: Naming = "english") -> tuple[Chord | None, int | None]:
    """Read a lead-sheet symbol ("Bbm7b5/Ab"): the chord and the pitch class of a slash bass.

    Raises ValueError as `read_symbol`.
    """
    symbol = read_symbol(text, naming)
    return symbol.chord, pitch_class(symbol.bass) if symbol.bass else None


def read_symbol(text: str, naming: Naming = "english") -> Symbol:
    """Take a lead-sheet symbol apart.

    "N.C.", "NC", "N", "No chord", "tacet" and "" are no chord. Accidentals of a tension stand
    before it (7b9) or, as in some jazz notations, after it (79b). Of alternates ("C(Am)") the
    first counts. H is B natural. Raises ValueError for what can't be read to its end.
    """
    if len(text) > CHORD_CHARACTERS:
        raise ValueError(f"not a chord symbol: {reprlib.repr(text)}")
    symbol = _plain(text)
    if symbol[:1] + symbol[-1:] in ("()", "[]") and not set(symbol[1:-1]) & set("(["):
        symbol = symbol[1:-1]
    if symbol.lower().replace(".", "") in _NO_CHORD:
        return Symbol(None, "", NO_CHORD_SYMBOL, "", "none")
    try:
        return _read(symbol, naming)
    except ValueError:
        pass
    alternate = _ALTERNATE.search(symbol)
    if alternate and alternate.start():
        try:
            _read(alternate[1], naming)
            return _read(symbol[: alternate.start()], naming)
        except ValueError:
            pass
    raise ValueError(f"not a chord symbol: {reprlib.repr(text)}")


_A_CHORD = re.compile(
    r"[(\[]*[A-H](?:$|[#b♯♭0-9+\-(/\\°ºøØΔ∆^mM;]|sus|add|dim|aug|alt|maj|no|omit|o7?$)"
)
_BASS_ALONE = re.compile(r"[/\\]\s*([A-H][#b♯♭]*)")


@dataclass(slots=True)
class SymbolReader:
    """The chord symbols of one piece, in the order in which they stand.

    What can't be read is told with its bar, and ends the chord before it. A bass alone ("/B") is
    the chord before it over another bass; "%" lets the chord before it go on.
    """

    naming: Naming = "english"
    before: Symbol | None = None
    unread: list[str] = field(default_factory=list)
    """ "bar 3: H7x"."""
    n_words: int = 0
    """Texts that don't look like a chord at all."""

    def read(self, text: str, bar: int) -> tuple[Chord | None, str] | None:
        """Chord and label of a symbol; None where nothing begins here.

        What doesn't look like a chord is a word above the staff and changes nothing.
        """
        text = text.strip()
        if text in SAME_CHORD:
            return None
        alone = _BASS_ALONE.fullmatch(text)
        if alone and self.before is not None and self.before.root:
            text = f"{self.before.root}{self.before.suffix}/{alone[1]}"
        try:
            self.before = read_symbol(text, self.naming)
        except ValueError:
            if not alone and not _A_CHORD.match(text):
                self.n_words += 1
                return None
            return self.unreadable(text, bar)
        return self.before.chord, f"/{self.before.bass}" if alone else text

    def unreadable(self, text: str, bar: int) -> tuple[None, str]:
        """A symbol that is beyond this program."""
        self.unread.append(f"bar {bar}: {text[:40]}")
        self.before = None
        return None, text


def chords_of_texts(
    texts: Iterable[tuple[_Place, str]], bar_of: Callable[[_Place], int]
) -> tuple[list[tuple[_Place, Chord | None, str]], list[str]]:
    """(place, chord, label) of the markers of a file, and the symbols that could not be read.

    None where fewer than two are chords, or more are words.
    """
    marked = [(place, text.strip()) for place, text in texts if text.strip()]
    reader = SymbolReader(naming_of(text for _, text in marked))
    chords = []
    for place, text in marked:
        if (found := reader.read(text, bar_of(place))) is not None:
            chords.append((place, *found))
    n_read = len(chords) - len(reader.unread)
    if n_read < 2 or len(reader.unread) + reader.n_words > n_read:
        return [], []
    return chords, reader.unread


def _plain(text: str) -> str:
    """Without spaces and accents on letters, signs that look alike as one."""
    text = re.sub(r"\s", "", text).translate(_ALIKE)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _read(symbol: str, naming: Naming) -> Symbol:
    for head, bass in _with_bass(symbol, naming):
        try:
            root, rest = _root_of(head, naming)
            parts = _symbol_parts(rest)
        except ValueError:
            continue
        quality = quality_of_intervals(frozenset(parts.intervals())) or "maj"
        kind, degrees = parts.musicxml(quality)
        return Symbol(Chord(pitch_class(root), quality), root, rest, bass, kind, degrees)
    raise ValueError(symbol)


def _with_bass(symbol: str, naming: Naming) -> Iterator[tuple[str, str]]:
    """The ways in which a symbol may be parted in chord and bass ("" without one)."""
    if found := _BASS.fullmatch(symbol):
        yield found[1], _root_of(found[2][0].upper() + found[2][1:], naming)[0]
    sung = re.fullmatch(r"(.*)/([A-Za-z]{2,3}[#b]?)", symbol)
    if sung and naming == "solfege" and _SOLFEGE.fullmatch(sung[2].rstrip("#b")):
        yield sung[1], _root_of(sung[2], naming)[0]
    yield symbol, ""


def _root_of(symbol: str, naming: Naming) -> tuple[str, str]:
    """The English name of the root, and what stands behind it. Raises ValueError."""
    if found := (_SOLFEGE if naming == "solfege" else _ONLY_SUNG).match(symbol):
        signs = re.match(r"[#b]*", symbol[found.end() :])
        assert signs is not None
        rest = symbol[found.end() + len(signs[0]) :]
        return _SUNG[found[0].lower()] + signs[0], rest
    if (found := _GERMAN_ROOT.match(symbol)) and found[0].lower() != "bis":
        letter = found[0][0].upper()
        sign = "#" if found[0].endswith("is") else "b"
        return _of_h(letter, naming, sign), symbol[found.end() :]
    if not (found := _ROOT.match(symbol)):
        raise ValueError(symbol)
    return _of_h(found[1].upper(), naming, found[2]), symbol[found.end() :]


def _of_h(letter: str, naming: Naming, signs: str) -> str:
    if letter == "H":
        return "B" + signs
    # Beside an H, a B alone is B flat; "Bb" and "Bes" say so themselves.
    return "Bb" if letter == "B" and not signs and naming == "german" else letter + signs


@dataclass(slots=True)
class _Parts:
    """What stands behind a root, by degree of the scale; None is left out."""

    third: int | None = 4
    fifth: int | None = 7
    seventh: int | None = None
    sixth: bool = False
    ninth: bool = False
    """Plain, and of the chord."""
    tensions: list[tuple[int, int]] = field(default_factory=list)
    """(degree, alteration) of every ninth, eleventh and thirteenth, plain ones too."""
    top: int = 0
    """Of a stack of thirds: 9, 11 or 13."""
    is_altered: bool = False
    """ "alt": fifth and ninth as the player likes."""

    def intervals(self) -> set[int]:
        """Semitones above the root of what decides the quality."""
        sounding = {0, *(i for i in (self.third, self.fifth, self.seventh) if i is not None)}
        if self.sixth:
            sounding.add(9)
        if self.ninth and self.seventh is not None:
            sounding.add(2)
        return sounding

    def musicxml(self, quality: str) -> tuple[str, tuple[Degree, ...]]:
        """Kind and degrees of MusicXML for this and the quality that it is reduced to."""
        if self.is_altered:  # no kind says so, only the text
            return "other", ()
        kind, base = KINDS[quality]
        degrees: list[Degree] = list(base)
        inside = set(QUALITIES[quality][0])
        if self.top in (11, 13) and kind.endswith("-ninth"):
            kind = f"{kind.removesuffix('-ninth')}-{self.top}th"
        covered = {9: 2, 11: 5, 13: 9}
        for degree, alter in dict.fromkeys(self.tensions):
            plain = not alter and degree in covered
            stacked = degree <= self.top and kind.endswith(("ninth", "11th", "13th"))
            if plain and (covered[degree] in inside or stacked):
                continue
            degrees.append(("add", degree, alter))
        if self.fifth is None and 7 in inside and quality != "5":
            degrees.append(("subtract", 5, 0))
        elif self.fifth in (6, 8) and self.fifth not in inside and 7 in inside:
            degrees.append(("alter", 5, self.fifth - 7))
        if self.third is None and inside & {3, 4}:
            degrees.append(("subtract", 3, 0))
        return kind, tuple(degrees)


def _symbol_parts(rest: str) -> _Parts:
    """Read what stands behind the root in a symbol. Raises ValueError."""
    # Brazilian and French charts: the sign behind its number ("7/5-", "7(9b)"), 7/4 suspended.
    rest = re.sub(r"([/(,])(5|9|11|13)([#b+-])(?![\d#b])", r"\1\3\2", rest)
    rest = re.sub(r"^7(?:/4|\(4)(?!\d)", "7sus4", rest)
    rest = re.sub(r"[/](?=[#b+-]?\d)|(?<=\d)[/](?=[#b]\d)", "add", rest.replace("6/9", "69"))
    rest = re.sub(r"/(?=[Mm]aj|M7)", "", rest)
    rest = re.sub(r"[(),\[\]{};|.]", "", rest)
    parts = _Parts()
    major = dim = False
    at = 0
    first_degree = True
    while at < len(rest):
        part = _SYMBOL_PARTS.match(rest, at)
        if part is None:
            raise ValueError(rest)
        begins, at = at == 0, part.end()
        if part["half"]:
            parts.third, parts.fifth, parts.seventh = 3, 6, 10
        elif part["dim"]:
            parts.third, parts.fifth, dim = 3, 6, True
        elif part["alt"]:
            parts.seventh, parts.is_altered = parts.seventh or 10, True
        elif part["add"]:
            _add(parts, part["add_sign"] or "", int(part["added"] or 9))
        elif part["no"]:
            parts.third = None if part["left_out"] == "3" else parts.third
            parts.fifth = None if part["left_out"] == "5" else parts.fifth
        elif part["sus"]:
            parts.third = 2 if part["sus_degree"] == "2" else 5
        elif part["minor"] or (part["minus"] and begins):
            parts.third = 3
        elif part["major"]:
            major = True
            # A minor or dominant chord that says "major", or a bare triangle: the seventh.
            bare = part["major"] in "Δ^j" and not re.match(r"\d", rest[at:])
            if parts.third == 3 or parts.seventh is not None or bare:
                parts.seventh = 11
        elif part["signed"] and not (begins and part["signed"][0] in "+-"):
            sign, number = part["signed"][0], int(part["altered"])
            if number == 5:
                parts.fifth = 6 if sign in "b-" else 8
            elif number == 7:  # "m#7", "m+7": the major seventh of a minor chord
                parts.seventh = 11 if sign in "#+" else 10
            else:
                _add(parts, sign, number)
        elif part["signed"]:  # "+9", "-9": the sign is the chord's, the number is read next
            if part["signed"][0] == "-":
                parts.third = 3
            else:
                parts.fifth = 8
            at = part.start() + 1
        elif part["aug"]:
            parts.fifth = 8
        elif part["minus"]:
            raise ValueError(rest)
        elif part["degree"]:
            _take_degree(parts, part, major, dim, first_degree, begins)
            first_degree = False
    return parts


def _add(parts: _Parts, sign: str, number: int) -> None:
    """A degree that is added, or altered."""
    alter = 1 if sign in ("#", "+") else -1 if sign in ("b", "-") else 0
    number = {2: 9, 4: 11}.get(number, number)
    if number == 5 and alter:
        parts.fifth = 7 + alter
    elif number == 6 and not alter:
        parts.sixth = True
    elif number == 6:
        parts.tensions.append((13, alter))
    elif number in (9, 11, 13):
        parts.tensions.append((number, alter))
        parts.ninth |= number == 9 and not alter
    elif number == 7:
        parts.seventh = parts.seventh or (11 if alter > 0 else 10)


def _take_degree(
    parts: _Parts, part: re.Match[str], major: bool, dim: bool, first: bool, begins: bool
) -> None:
    """A number: "7", "13", "69"; a sign behind it is its own ("79b")."""
    number, after = part["degree"], part["after"]
    if number in ("6", "69"):
        parts.sixth = True
        if number == "69":
            parts.tensions.append((9, 0))
    elif number == "5":
        parts.third = None if first and begins else parts.third
    elif number in ("2", "4") and first:
        parts.third = int(number) if number == "2" else 5
    elif number in ("7", "9", "11", "13"):
        if first or number == "7":
            seventh = 11 if major else 9 if dim else 10
            parts.seventh = parts.seventh or seventh
        if number != "7":
            alter = {"#": 1, "b": -1}.get(after or "", 0)
            parts.tensions.append((int(number), alter))
            if not after and (number == "9" or first):
                parts.ninth = True
                parts.top = max(parts.top, int(number) if first else 0)


# Harte et al., "Symbolic representation of musical chords" (ISMIR 2005): shorthands.
_HARTE = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "7": (0, 4, 7, 10),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "minmaj7": (0, 3, 7, 11),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 2),
    "maj9": (0, 4, 7, 11, 2),
    "min9": (0, 3, 7, 10, 2),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
    "1": (0,),
    "11": (0, 4, 7, 10, 2, 5),
    "min11": (0, 3, 7, 10, 2, 5),
    "13": (0, 4, 7, 10, 2, 9),
    "maj11": (0, 4, 7, 11, 2, 5),
    "maj13": (0, 4, 7, 11, 2, 9),
    "min13": (0, 3, 7, 10, 2, 9),
}

_HARTE_CHORD = re.compile(
    # Some write flats as in Humdrum: "B-:maj".
    r"([A-G][#b-]*)(?::([a-zA-Z0-9]*)(?:\(([^)]*)\))?)?(?:/([#b]*\d+))?"
)

_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 9: 2, 10: 4, 11: 5, 13: 9}


def _degree(text: str) -> int:
    signs, number = re.fullmatch(r"([#b]*)(\d+)", text).groups()  # type: ignore[union-attr]
    return (_DEGREES[int(number)] + signs.count("#") - signs.count("b")) % 12


def parse_harte(text: str) -> tuple[Chord | None, int | None]:
    """Read Harte's syntax ("C#:min7(*5,9)/b3"): the chord and the pitch class of the bass.

    "N" and "X" are no chord. Raises ValueError for what can't be read.
    """
    if len(text) > CHORD_CHARACTERS:
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
    text = text.strip()
    if text in ("", "N", "X"):
        return None, None
    found = _HARTE_CHORD.fullmatch(text)
    if not found:
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
    name, shorthand, degrees, bass = found.groups()
    root = pitch_class(name)
    if shorthand:
        if shorthand not in _HARTE:
            raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
        base: tuple[int, ...] = _HARTE[shorthand]
    else:
        base = (0,) if degrees else (0, 4, 7)
    intervals = set(base)
    try:
        for degree in filter(None, (degrees or "").split(",")):
            if degree.strip().startswith("*"):
                intervals.discard(_degree(degree.strip()[1:]))
            else:
                intervals.add(_degree(degree.strip()))
        bass_class = None if bass is None else (root + _degree(bass)) % 12
    except (AttributeError, KeyError):
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}") from None
    quality = quality_of_intervals(frozenset(intervals))
    return (Chord(root, quality) if quality else Chord(root, "5")), bass_class


# quality -> (kind of MusicXML 4.0, degrees that it lacks)
KINDS: dict[str, tuple[str, tuple[Degree, ...]]] = {
    "maj": ("major", ()),
    "min": ("minor", ()),
    "7": ("dominant", ()),
    "maj7": ("major-seventh", ()),
    "min7": ("minor-seventh", ()),
    "dim": ("diminished", ()),
    "aug": ("augmented", ()),
    "sus4": ("suspended-fourth", ()),
    "sus2": ("suspended-second", ()),
    "hdim7": ("half-diminished", ()),
    "dim7": ("diminished-seventh", ()),
    "maj6": ("major-sixth", ()),
    "min6": ("minor-sixth", ()),
    "9": ("dominant-ninth", ()),
    "min9": ("minor-ninth", ()),
    "maj9": ("major-ninth", ()),
    "7sus4": ("suspended-fourth", (("add", 7, 0),)),
    "minmaj7": ("major-minor", ()),
    "5": ("power", ()),
    "aug7": ("augmented-seventh", ()),
}

# Kinds that are read besides, as their nearest quality.
_MUSICXML_KINDS = {kind: quality for quality, (kind, degrees) in KINDS.items() if not degrees} | {
    "dominant-11th": "9",
    "major-11th": "maj9",
    "minor-11th": "min9",
    "dominant-13th": "9",
    "major-13th": "maj9",
    "minor-13th": "min9",
    "pedal": "5",
    "Neapolitan": "maj",
    "Italian": "7",
    "French": "7",
    "German": "7",
    "Tristan": "hdim7",
    # Not of the standard, but written.
    "dominant-seventh": "7",
    "half-diminished-seventh": "hdim7",
    "minor-major-seventh": "minmaj7",
}


def quality_of_musicxml_kind(kind: str, degrees: tuple[tuple[int, int, str], ...] = ()) -> str:
    """Reduce a MusicXML `kind` with its `degree` elements (value, alter, type) to the table.

    Raises ValueError for an unknown kind; "none" must be handled by the caller (no chord).
    """
    if kind not in _MUSICXML_KINDS:
        raise ValueError(f"not a MusicXML kind: {kind!r}")
    quality = _MUSICXML_KINDS[kind]
    if not degrees:
        return quality
    intervals = set(QUALITIES[quality][0])
    for value, alter, type_ in degrees:
        if value not in _DEGREES:
            continue
        natural = _DEGREES[value] - (1 if value == 7 else 0)  # MusicXML counts from a minor 7th
        if value == 7 and alter == -1 and 6 not in intervals:
            alter = 0  # some count from the major seventh
        interval = (natural + alter) % 12
        if type_ == "subtract":
            intervals.discard(interval)
        elif type_ == "alter":
            intervals.discard(natural % 12)
            intervals.add(interval)
        else:
            intervals.add(interval)
    return quality_of_intervals(frozenset(intervals)) or quality
