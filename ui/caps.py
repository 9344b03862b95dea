"""What is printed on the computer's keys, so that the right letters are drawn on the piano. No Qt,
which knows a key's letter only once it is pressed.
"""

from __future__ import annotations

import ctypes
import sys

from ui.keyboard import KEY_CODES

_CORE_KEYBOARD = 0x100
_STATE_BYTES = 64
"""More than XkbStateRec has; its first byte is the group, the layout in use of several."""
_UNICODE = 0x01000000
"""Keysyms of letters beyond Latin-1 are their code point and this."""


def key_caps() -> dict[str, str]:
    """A piano key's name -> the letter on it, as the X server (or Wayland's own) has the layout.

    Without the keys that have no letter of their own, as dead accents; empty where no X server
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
