"""Styles: what a table of one says, and those there are, the program's and the user's own."""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jam.accompaniment.feel import Feel
from jam.accompaniment.passages import Passage
from jam.accompaniment.players import FAMILIES, GROOVES, TEXTURES, feel_of, passages_of, walk_of
from jam.accompaniment.walking import Walk
from jam.errors import BadInput
from jam.files import config_dir, read_limited
from jam.limits import STYLE_BARS, STYLE_BYTES
from jam.music.grid import Meter
from jam.settings import STYLES, JamSettings

DEFAULT_STYLE = "piano"
_SHIPPED = Path(__file__).resolve().parent / "library"


def styles_dir() -> Path:
    """The folder of the user's own styles; it need not exist."""
    return config_dir() / "styles"


def style_files() -> dict[str, Path]:
    """Name -> file of every style; a user's own takes the place of one of the same name."""
    found = {}
    for folder in (_SHIPPED, styles_dir()):
        if folder.is_dir():
            found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    order = [DEFAULT_STYLE, *sorted(set(found) - {DEFAULT_STYLE, "none"}), "none"]
    return {name: found[name] for name in order if name in found}


def style_named(name: str) -> Style:
    """Raises BadInput where there is no such style, or its file is broken."""
    files = style_files()
    if name not in files:
        raise BadInput(f"style {name!r}: must be one of {', '.join(files)}")
    return _read(files[name], files[name].stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int) -> Style:
    return read_style(path)


def playable_style(name: str) -> Style:
    """The style, or the default one where it can't be had: the music goes on."""
    try:
        return style_named(name)
    except BadInput as error:
        logging.getLogger(__name__).warning("%s", error)
        return style_named(DEFAULT_STYLE)


def all_styles() -> tuple[list[Style], list[str]]:
    """Every style that can be read, and a line for every file that can't."""
    styles, faults = [], []
    for name in style_files():
        try:
            styles.append(style_named(name))
        except BadInput as error:
            faults.append(str(error))
    return styles, faults


DRUMS = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "low_tom": 43,
    "hat": 42,
    "mid_tom": 47,
    "open_hat": 46,
    "high_tom": 50,
    "crash": 49,
    "ride": 51,
    "tambourine": 54,
    "cowbell": 56,
    "brush": 38,
    "shaker": 70,
    "clave": 75,
    "triangle": 81,
    "pedal_hat": 44,
}
"""Lane name -> key of the General MIDI drum map."""

SIGNS = {"chords": "Xxo1234", "bass": "RrFfOoTtAaWw", "drums": "Xxo"}
"""What may be struck in each kind of lane.

Chords and drums: X accented, x plain, o light (left out when the playing gets thinner). Chords:
1 to 4 one voice alone, from the lowest; 4 is the lowest an octave higher (the
second, where the melody leaves no room). Bass: R root, F fifth,
O octave, T third, A approach to the next chord's root, W a step of a walking bass; the small
letter is light.
"""

ENDING_SIGNS = "XxoR"
"""What may be struck in an ending: X x o as above by everybody, R a chord that is rolled upward."""

REQUIRED = ("4/4", "3/4", "6/8")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

_PARTS = ("chords", "bass", "drums")

Lanes = Mapping[str, tuple[str, ...]]
"""Lane name -> its rows of columns; every row as long as a whole number of bars."""


@dataclass(frozen=True, slots=True)
class Sound:
    """General MIDI program (drums: kit) of a part, and its volume beside the other parts'."""

    program: int = 0
    volume: float = 1.0


@dataclass(frozen=True, eq=False, repr=False)
class Style:
    """Pattern, bass, drums, instruments and the model's style condition under one name.

    Compared by identity: a style is loaded once, and what is derived from it is cached.
    """

    name: str
    title: str
    about: str = ""
    model_style: str = "any"
    swing: float = 0.0
    """0 plays eighths straight, 1 as two thirds and one third of a beat."""
    ring: bool = False
    """True lets every note of the chords sound until the chord changes, as with the pedal."""
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    bars: Mapping[str, Lanes] = field(default_factory=dict)
    fills: Mapping[str, Lanes] = field(default_factory=dict)
    """Metre -> drum lanes that take the place of the last columns of a phrase's last bar."""

    feel: Feel = field(default_factory=Feel)
    """How the players place and weigh what they play."""

    walk: Walk = field(default_factory=Walk)
    """How the bass walks where it is drawn to."""

    textures: tuple[Passage, ...] = ()
    """What pianists played, in the place of the drawn chords where the band plays as people do."""
    left_hand: bool = False
    """The bass is the pianist's left hand."""
    grooves: tuple[Passage, ...] = ()
    """What drummers played, in the place of the drawn drums."""
    drum_fills: tuple[Passage, ...] = ()
    intro: tuple[frozenset[str], ...] = ()
    """Who plays in each of an intro's bars."""
    ending: Mapping[str, str] = field(default_factory=dict)
    """Metre -> the last bar's rhythm; see ENDING_SIGNS."""
    repeats: frozenset[str] = frozenset()
    """Parts that may play a bar again just as it was: a loop, a chord that is held."""

    def __repr__(self) -> str:
        return f"Style({self.name!r})"

    def sound(self, part: str) -> Sound:
        return self.sounds.get(part, Sound())

    @property
    def parts(self) -> frozenset[str]:
        """Which of chords, bass and drums it has."""
        lanes = {lane for lanes in self.bars.values() for lane in lanes}
        return frozenset("drums" if lane in DRUMS else lane for lane in lanes)


def read_style(path: Path) -> Style:
    """Read a style file. Raises BadInput with one line that names the file and the fault."""
    if not _NAME.fullmatch(path.stem):
        raise BadInput(f"{path}: the name must be of small letters, digits and hyphens")
    data = read_limited(path, STYLE_BYTES)
    try:
        values = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # ValueError: also a number of 5,000 digits
        raise BadInput(f"{path}: not a TOML file: {error}") from None
    try:
        return style_of(path.stem, values)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def style_of(name: str, values: Mapping[str, Any]) -> Style:
    """A style from a parsed table. Raises BadInput."""
    known = {
        "title",
        "about",
        "model_style",
        "swing",
        "ring",
        "sound",
        "bars",
        "fills",
        "feel",
        "textures",
        "left_hand",
    }
    known |= {"grooves", "intro", "ending", "repeats"}
    _only(values, known, "")
    title = _typed(values, "title", str, name)
    about = _typed(values, "about", str, "")
    model_style = _typed(values, "model_style", str, "any")
    if model_style not in STYLES:
        raise BadInput(f"model_style {model_style!r}: must be one of {', '.join(STYLES)}")
    swing = _number(values, "swing", 0.0, 0.0, 1.0)
    family = _typed(values, "feel", str, "jazz" if model_style == "jazz" else "pop")
    if family not in FAMILIES:
        raise BadInput(f"feel {family!r}: must be one of {', '.join(FAMILIES)}")
    grooves = _kinds(values, "grooves", GROOVES)
    bars = {
        meter: _lanes(lanes, f"bars.{meter}", Meter.parse(meter), fill=False)
        for meter, lanes in _typed(values, "bars", dict, {}).items()
    }
    if missing := [meter for meter in REQUIRED if meter not in bars]:
        raise BadInput(f"bars: {missing[0]} is missing ({', '.join(REQUIRED)} must be there)")
    fills = {
        meter: _lanes(lanes, f"fills.{meter}", Meter.parse(meter), fill=True)
        for meter, lanes in _typed(values, "fills", dict, {}).items()
    }
    return Style(
        name,
        title,
        about,
        model_style,
        swing,
        _typed(values, "ring", bool, False),
        _sounds(_typed(values, "sound", dict, {})),
        bars,
        fills,
        feel_of(family),
        walk_of(),
        passages_of("piano", _kinds(values, "textures", TEXTURES)),
        _typed(values, "left_hand", bool, False),
        passages_of("drums", grooves),
        passages_of("fills", grooves),
        _intro(values),
        _ending(_typed(values, "ending", dict, {})),
        frozenset(_kinds(values, "repeats", _PARTS)),
    )


def _intro(values: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    bars = _typed(values, "intro", list, [])
    if len(bars) > STYLE_BARS:
        raise BadInput(f"intro: {len(bars)} bars; at most {STYLE_BARS}")
    found = []
    for bar in bars:
        if not isinstance(bar, str) or not bar.split() or set(bar.split()) - set(_PARTS):
            raise BadInput(f"intro: {bar!r} names none of {', '.join(_PARTS)}, or others")
        found.append(frozenset(bar.split()))
    return tuple(found)


def _ending(values: Mapping[str, Any]) -> dict[str, str]:
    rows = {}
    for meter, row in values.items():
        length = Meter.parse(meter).frames_per_bar
        columns = "".join(c for c in row if c not in " |") if isinstance(row, str) else ""
        if len(columns) != length or set(columns) - set(ENDING_SIGNS + "-."):
            raise BadInput(f"ending.{meter}: {row!r} is no row of {length} columns of XxoR-.")
        rows[meter] = columns
    return rows


def _kinds(values: Mapping[str, Any], name: str, known: Sequence[str]) -> tuple[str, ...]:
    """A list of words that are known."""
    kinds = _typed(values, name, list, [])
    if strange := [kind for kind in kinds if kind not in known]:
        raise BadInput(f"{name}: {strange[0]!r} is none of {', '.join(known)}")
    return tuple(kinds)


def _only(values: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(values) - known):
        raise BadInput(
            f"{where}no such entry: {unknown[0]!r} (there are {', '.join(sorted(known))})"
        )


def _typed(values: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = values.get(name, default)
    if type(value) is not kind:
        raise BadInput(f"{name}: {value!r} is no {kind.__name__}")
    return value


def _number(values: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(f"{name}: {value!r} is no number from {low:g} to {high:g}")
    return float(value)


def _sounds(values: Mapping[str, Any]) -> dict[str, Sound]:
    _only(values, set(_PARTS), "sound: ")
    sounds = {}
    for part, entry in values.items():
        if not isinstance(entry, dict):
            raise BadInput(f"sound.{part}: not a table")
        _only(entry, {"program", "volume"}, f"sound.{part}: ")
        program = _typed(entry, "program", int, 0)
        if not 0 <= program <= 127:
            raise BadInput(f"sound.{part}: program {program}: must be 0 to 127")
        sounds[part] = Sound(program, _number(entry, "volume", 1.0, 0.0, 1.0))
    return sounds


def _lanes(values: Any, where: str, meter: Meter, fill: bool) -> Lanes:
    if not isinstance(values, dict):
        raise BadInput(f"{where}: not a table")
    _only(values, set(DRUMS) if fill else {"chords", "bass", *DRUMS}, f"{where}: ")
    lanes = {}
    for lane, value in values.items():
        rows = tuple(value) if isinstance(value, list) else (value,)
        lanes[lane] = tuple(_row(row, f"{where}: {lane}", lane, meter, fill) for row in rows)
    return lanes


def _row(row: Any, where: str, lane: str, meter: Meter, fill: bool) -> str:
    if not isinstance(row, str):
        raise BadInput(f"{where}: {row!r} is no row of columns")
    columns = "".join(c for c in row if c not in " |")
    signs = SIGNS.get(lane, SIGNS["drums"])
    if strange := [c for c in columns if c not in signs + "-."]:
        raise BadInput(f"{where}: {strange[0]!r} is none of {' '.join(signs)} - .")
    length = meter.frames_per_bar
    if fill and not 0 < len(columns) <= length:
        raise BadInput(f"{where}: {len(columns)} columns; a fill has 1 to {length}")
    if not fill and (len(columns) % length or not 0 < len(columns) <= STYLE_BARS * length):
        raise BadInput(
            f"{where}: {len(columns)} columns; a bar of {meter} has {length} (or write up to"
            f" {STYLE_BARS} bars)"
        )
    return columns


def conditioned(settings: JamSettings, style: Style) -> JamSettings:
    """The settings for the agent: the style's own condition where the user has set none."""
    if settings.style == "any" and style.model_style != "any":
        return settings.changed(style=style.model_style)
    return settings
