"""Chord symbols of lead sheets, of every country and program.

Each is reduced to a `Chord` of the table in `jam.music.chord`; what was written is kept beside it
(`Symbol`), so that a file gives back the symbols that it was given. How notes are called is in
`jam.music.note_names`, what stands behind the root in `jam.music.chord_suffix`.
"""

from __future__ import annotations

import re
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import TypeVar

from jam.limits import CHORD_CHARACTERS
from jam.music.chord import COMMON_NAMES, QUALITIES, Chord, pitch_class, quality_of_intervals
from jam.music.chord_kinds import Degree
from jam.music.chord_suffix import MOST_VOICES, parts_of
from jam.music.harte import parse_harte
from jam.music.note_names import Naming, bass_of, has_flat_b, naming_shown, root_of

NO_CHORD_SYMBOL = "N.C."

_Place = TypeVar("_Place")


_NEVER = '|<>:{}"~'
"""What charts are written with, and no symbol."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A chord symbol as it is written, its notes in English, and what it means.

    Raises ValueError for what is none.
    """

    written: str
    parts: SymbolParts = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.written or any(c.isspace() or c in _NEVER for c in self.written):
            raise ValueError(f"not a chord symbol: {self.written[:40]!r}")
        object.__setattr__(self, "parts", _taken_apart(self.written))

    @property
    def chord(self) -> Chord | None:
        """Its reduction to the vocabulary, which is what the network sees; None: no chord."""
        return self.parts.chord

    @property
    def bass(self) -> int | None:
        """Pitch class of a slash bass."""
        return pitch_class(self.parts.bass) if self.parts.bass else None

    @property
    def intervals(self) -> frozenset[int]:
        """All that is written, in semitones above the root (0 to 11); empty for no chord."""
        return self.parts.intervals

    @property
    def voices(self) -> tuple[int, ...]:
        """What to play above the bass, in semitones above the root, what matters most first:
        guide tones, altered fifth, tensions, then fifth and root. Empty where the reduction says
        all that is written."""
        return self.parts.voices


@dataclass(frozen=True, slots=True)
class SymbolParts:
    """A chord symbol taken apart; every name in English.

    root and suffix: what is written ("F#", "m7b5"); "" and "N.C." for no chord. bass: the name
    behind the slash, "" without one. kind, degrees: the same for MusicXML (4.0, kind-value); a
    kind of "none" is no chord. intervals, voices: as in `Symbol`.
    """

    chord: Chord | None
    root: str
    suffix: str
    bass: str
    kind: str
    degrees: tuple[Degree, ...] = ()
    intervals: frozenset[int] = frozenset()
    voices: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return self.root + self.suffix + (f"/{self.bass}" if self.bass else "")

    def transposed(self, semitones: int) -> SymbolParts:
        if self.chord is None:
            return self
        chord = self.chord.transposed(semitones)
        root, bass = (
            COMMON_NAMES[(pitch_class(name) + semitones) % 12] if name else ""
            for name in (self.root, self.bass)
        )
        moved = read_symbol(root + self.suffix + (f"/{bass}" if bass else ""))
        return moved if moved.chord == chord else read_symbol(chord.symbol)


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
_NO_CHORD = frozenset(
    ("", "nc", "n/c", "n", "nochord", "none", "tacet", "noharmony", "kein", "keinakkord", "-", "--")
)
_BASS = re.compile(
    r"(?P<chord>.*)(?:[/\\]|(?P<word>on|over)(?=[A-H]))"
    r"(?P<bass>[A-Ha-h](?:[#b]*|(?:iss?|ess?|ss?)(?![a-z])))"
)
_SUNG_BASS = re.compile(r"(.*)/([A-Za-z]{2,3}(?:[#b]|bemolle|bemol|diesis|diese|sostenido)?)")
_OVER = re.compile(r"(.+?)([/|])([A-H].*)")
_ALTERNATE = re.compile(r"\(([A-H][^()]*)\)$")


def naming_of(symbols: Iterable[str]) -> Naming:
    """What the symbols of one file call their notes: an H, an Es or a Sol decides for all."""
    shown: set[Naming] = set()
    flat_b = has_h = False
    for text in symbols:
        plain = _plain(text[:CHORD_CHARACTERS])
        naming = naming_shown(plain)
        flat_b |= has_flat_b(plain)
        if naming and naming not in shown and _is_read(plain, naming):
            shown.add(naming)
        has_h |= plain[:1] in ("H", "h") and "german" in shown
    if has_h or ("german" in shown and not flat_b and "solfege" not in shown):
        return "german"
    return "solfege" if "solfege" in shown else "english"


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


def read_symbol(text: str, naming: Naming = "english") -> SymbolParts:
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
        return SymbolParts(None, "", NO_CHORD_SYMBOL, "", "none")
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


@lru_cache(maxsize=4096)
def _taken_apart(written: str) -> SymbolParts:
    return read_symbol(written)


_A_CHORD = re.compile(
    r"[(\[]*[A-H](?:$|[#b♯♭0-9+\-(/\\°ºøØΔ∆^mM;]|sus|add|dim|aug|alt|maj|no|omit|o7?$"
    r"|[^\saeiou.:]{1,12}$)"  # without a vowel no word
)


def looks_like_chord(text: str) -> bool:
    """Whether a text that can't be read is meant to be a chord, and no word."""
    return bool(_A_CHORD.match(text))


_BASS_ALONE = re.compile(r"[/\\]\s*([A-H][#b♯♭]*)")


@dataclass(slots=True)
class SymbolReader:
    """The chord symbols of one piece, in the order in which they stand.

    What can't be read is told with its bar, and ends the chord before it. A bass alone ("/B") is
    the chord before it over another bass; "%" lets the chord before it go on.
    """

    naming: Naming = "english"
    before: SymbolParts | None = None
    unread: list[str] = field(default_factory=list)
    """ "bar 3: H7x"."""
    n_words: int = 0
    """Texts that don't look like a chord at all."""

    def read(self, text: str, bar: int, transpose: int = 0) -> tuple[Chord | None, str] | None:
        """Chord and label of a symbol; None where nothing begins here.

        What doesn't look like a chord is a word above the staff and changes nothing. transpose:
        semitones from what is written to what sounds.
        """
        text = text.strip()
        if text in SAME_CHORD:
            return None
        alone = _BASS_ALONE.fullmatch(text)
        if alone and self.before is not None and self.before.root:
            text = f"{self.before.root}{self.before.suffix}/{alone[1]}"
        try:
            self.before = _read_any(text, self.naming)
        except ValueError:
            if not alone and not looks_like_chord(text):
                self.n_words += 1
                return None
            return self.unreadable(text, bar)
        symbol = self.before
        if transpose % 12:
            symbol = symbol.transposed(transpose)
            text = symbol.text
        return symbol.chord, f"/{symbol.bass}" if alone else text

    def unreadable(self, text: str, bar: int) -> tuple[None, str]:
        """A symbol that is beyond this program."""
        self.unread.append(f"bar {bar}: {text[:40]}")
        self.before = None
        return None, text


def _read_any(text: str, naming: Naming) -> SymbolParts:
    """A lead-sheet symbol, or one in Harte's syntax ("C:min7"), as data sets have them."""
    try:
        return read_symbol(text, naming)
    except ValueError:
        if not re.match(r"[A-G][#b]*:", text):
            raise
    chord, bass = parse_harte(text)
    assert chord is not None
    return read_symbol(chord.symbol + ("" if bass is None else f"/{COMMON_NAMES[bass]}"))


def chords_of_texts(
    texts: Iterable[tuple[_Place, str]], bar_of: Callable[[_Place], int]
) -> tuple[list[tuple[_Place, Chord | None, str]], list[str]]:
    """(place, chord, label) of the markers of a file, and the symbols that could not be read.

    None where fewer than two are chords, more are words, or they are the letters of sections.
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
    if _are_sections([(bar_of(place), text) for place, _, text in chords]):
        return [], []
    return chords, reader.unread


def _are_sections(marked: Sequence[tuple[int, str]]) -> bool:
    """Whether (bar, text) are the letters of sections: A first, then B, four bars and more each."""
    letters = list(dict.fromkeys(text[:1] for _, text in marked))
    if letters != list("ABCDEFGH"[: len(letters)]) or any(
        not re.fullmatch(r"[A-H]\d?'*", text) for _, text in marked
    ):
        return False
    lengths = [later - bar for (bar, _), (later, _) in pairwise(marked)]
    return min(lengths) >= 2 and median(lengths) >= 4


def _plain(text: str) -> str:
    """Without spaces and accents on letters, signs that look alike as one."""
    text = re.sub(r"\s", "", text).translate(_ALIKE)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _read(symbol: str, naming: Naming) -> SymbolParts:
    for head, bass in _with_bass(symbol, naming):
        try:
            root, rest = root_of(head, naming)
            parts = parts_of(rest)
        except ValueError:
            continue
        quality = quality_of_intervals(frozenset(parts.intervals())) or "maj"
        kind, degrees = parts.musicxml(quality)
        chord = Chord(pitch_class(root), quality)
        written = parts.intervals_written(), parts.voices(quality)
        return SymbolParts(chord, root, rest, bass, kind, degrees, *written)
    return _polychord(symbol, naming)


def _with_bass(symbol: str, naming: Naming) -> Iterator[tuple[str, str]]:
    """The ways in which a symbol may be parted in chord and bass ("" without one)."""
    found = _BASS.fullmatch(symbol)
    if found and not (found["word"] and found["chord"] == "A"):  # "A on B": English, not music
        yield found["chord"], bass_of(found["bass"], naming)
    if naming == "solfege" and (sung := _SUNG_BASS.fullmatch(symbol)):
        with suppress(ValueError):
            yield sung[1], bass_of(sung[2], naming)
    yield symbol, ""


def _polychord(symbol: str, naming: Naming) -> SymbolParts:
    """ "D/C7", "D|C": one chord over another, whose notes together are one over the lower root.

    Raises ValueError for what is none.
    """
    found = _OVER.fullmatch(symbol)
    if not found or "/" in found[3] or "|" in found[3]:
        raise ValueError(symbol)
    above, sign, below = _read(found[1], naming), found[2], _read(found[3], naming)
    if above.chord is None or below.chord is None or (sign == "/" and not below.suffix):
        raise ValueError(symbol)
    root = below.chord.root
    sounding = {*above.chord.pitch_classes, *below.chord.pitch_classes}
    quality = quality_of_intervals(frozenset((p - root) % 12 for p in sounding))
    suffix = f"{above.suffix}{sign}{below.text}"
    chord = Chord(root, quality or "maj")
    upper = [
        (p - root) % 12 for p in above.chord.pitch_classes if p not in below.chord.pitch_classes
    ]
    guides = [i for i in QUALITIES[below.chord.quality][0] if i in (3, 4, 10, 11)]
    voices = tuple(dict.fromkeys((*guides, *upper, *QUALITIES[below.chord.quality][0])))
    intervals = frozenset((p - root) % 12 for p in sounding)
    voices = voices[: max(3, min(MOST_VOICES, len(guides) + len(upper)))]
    return SymbolParts(chord, above.root, suffix, "", "other", (), intervals, voices)
