"""The computer's keyboard as an instrument: which key plays what. No Qt.

The row of A plays the white keys from C upwards, the row above it the black ones; Z and X move
by an octave. Where the system tells the place of a key (its scan code), the place counts and
not the letter, so that the piano lies where it belongs on any national layout.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping

from jam.messages.commands import KeyInput

PIANO_ROW = "awsedftgyhujkolp;'"
"""Keys by semitone above the C of the octave."""
_ROWS = {16: "qwertyuiop", 30: "asdfghjkl;'", 44: "zx"}
"""The keyboard's rows by the scan code of their first key, whose numbers follow each other: of a PC
keyboard (set 1; those of Linux's evdev are the same for these keys)."""
BLACK_KEYS, WHITE_KEYS = (
    tuple(key for key in PIANO_ROW if key in _ROWS[first]) for first in (16, 30)
)
OCTAVE_DOWN, OCTAVE_UP = "z", "x"
DEFAULT_OCTAVE, MIN_OCTAVE, MAX_OCTAVE = 4, 0, 8
"""Octave 4 begins at middle C, MIDI pitch 60."""
VELOCITY = 90

_SEMITONES = {name: i for i, name in enumerate(PIANO_ROW)}
_SCAN_CODES = {first + i: key for first, row in _ROWS.items() for i, key in enumerate(row)}
_X11_OFFSET = 8
KEY_CODES = {code + _X11_OFFSET: name for code, name in _SCAN_CODES.items()}
"""X11's number of each key that plays a part -> its name."""
_MAIN_ROWS = range(16, 54)
_CORE_KEYBOARD = 0x100
_STATE_BYTES = 64
"""More than XkbStateRec has; its first byte is the group, the layout in use of several."""
_UNICODE = 0x01000000
"""Keysyms of letters beyond Latin-1 are their code point and this."""


def key_name(character: str, scan_code: int, platform: str = sys.platform) -> str:
    """The key as it is called on a US keyboard; "" where it plays no part.

    character: what Qt says of the key, e.g. "A" or ";". scan_code: QKeyEvent.nativeScanCode(),
    0 where unknown (as on macOS, and for events made by programs).
    """
    if platform.startswith("linux"):
        scan_code -= _X11_OFFSET
    if platform != "darwin" and scan_code in _MAIN_ROWS:
        return _SCAN_CODES.get(scan_code, "")
    name = character.lower()
    return name if name in _SEMITONES or name in (OCTAVE_DOWN, OCTAVE_UP) else ""


def pitch_of_key(name: str, octave: int) -> int | None:
    """MIDI pitch that a key plays in an octave; None when it isn't a key of the piano."""
    semitone = _SEMITONES.get(name)
    if semitone is None:
        return None
    pitch = 12 * (octave + 1) + semitone
    return pitch if 0 <= pitch <= 127 else None


def letters_by_pitch(octave: int, printed: Mapping[str, str]) -> dict[int, str]:
    """What to write on the piano's keys. printed: see `printed_letters`."""
    pitches = {name: pitch_of_key(name, octave) for name in PIANO_ROW}
    return {pitch: printed.get(name, name) for name, pitch in pitches.items() if pitch is not None}


class ComputerPiano:
    """Turns keys going down and up into KeyInput, and lets no note hang.

    send: where KeyInput goes. now_s: the time of jam.clock.
    """

    def __init__(self, send: Callable[[KeyInput], None], now_s: Callable[[], float]) -> None:
        self.octave = DEFAULT_OCTAVE
        self._send = send
        self._now_s = now_s
        self._held: dict[str, int] = {}
        """Source that is down -> the pitch that it began, whatever the octave is by now."""

    @property
    def held_pitches(self) -> frozenset[int]:
        return frozenset(self._held.values())

    def key_down(self, name: str) -> bool:
        """A key went down; True when it means something here."""
        if name == OCTAVE_DOWN:
            self.octave = max(MIN_OCTAVE, self.octave - 1)
            return True
        if name == OCTAVE_UP:
            self.octave = min(MAX_OCTAVE, self.octave + 1)
            return True
        pitch = pitch_of_key(name, self.octave)
        if pitch is None:
            return name in _SEMITONES
        self.note_down(name, pitch)
        return True

    def key_up(self, name: str) -> bool:
        """A key came up; True when it is one of the piano's."""
        self.note_up(name)
        return name in _SEMITONES or name in (OCTAVE_DOWN, OCTAVE_UP)

    def note_down(self, source: str, pitch: int) -> None:
        """A note of some source (a key, the mouse) begins. One held already begins no second."""
        if source in self._held:
            return
        if pitch not in self._held.values():
            self._send(KeyInput(pitch, VELOCITY, self._now_s()))
        self._held[source] = pitch

    def note_up(self, source: str) -> None:
        """A source lets go; the note ends when no other source holds the same pitch."""
        pitch = self._held.pop(source, None)
        if pitch is not None and pitch not in self._held.values():
            self._send(KeyInput(pitch, 0, self._now_s()))

    def release_all(self) -> None:
        """Let go of everything: the window lost the keyboard, or panic."""
        for source in list(self._held):
            self.note_up(source)


def printed_letters() -> dict[str, str]:
    """The name of a key of the piano -> the letter that is printed on it, as the X server (or
    Wayland's own) has the layout.

    Without keys that have no letter of their own, such as dead accents; empty where no X server
    can be asked.
    """
    if sys.platform != "linux":
        return {}
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return {}
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XkbKeycodeToKeysym.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    if not display:
        return {}
    state = ctypes.create_string_buffer(_STATE_BYTES)
    x11.XkbGetState(display, _CORE_KEYBOARD, state)
    symbols = {
        name: x11.XkbKeycodeToKeysym(display, code, state.raw[0], 0)
        for code, name in KEY_CODES.items()
    }
    x11.XCloseDisplay(display)
    return {name: letter for name, symbol in symbols.items() if (letter := _letter(symbol))}


def _letter(symbol: int) -> str:
    """ "" for what isn't a letter or sign of Latin-1 or Unicode."""
    letter = (
        chr(symbol if symbol < 0x100 else symbol - _UNICODE)
        if (0x20 < symbol < 0x100 or 0 < symbol - _UNICODE < 0x110000)
        else ""
    )
    return letter if letter.isprintable() else ""
