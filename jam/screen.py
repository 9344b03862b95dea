"""Whether a window can be opened here."""

from __future__ import annotations

import os
import sys


def has_screen() -> bool:
    """False on a Linux machine where no window can be opened (Qt itself would abort there)."""
    if sys.platform != "linux":
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith(("xcb", "wayland")):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _x_server_answers()


def _x_server_answers() -> bool:
    """Asks the X server of DISPLAY, by the library that Qt uses; True when it can't be asked."""
    import ctypes  # a window is seldom in question, and `jam --help` is to answer at once

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed
