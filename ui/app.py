"""Start Qt, show the window, run until it is closed."""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QApplication

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import LoadRewriter
from jam.charts.files import Readers
from jam.messages.snapshot import SessionLog
from jam.music.song import Song
from jam.preferences import Preferences
from jam.system import end_signals, has_screen, leave_the_terminal
from ui.common.record_button import Recorder
from ui.common.theme import app_icon
from ui.engine_link import EngineLink
from ui.window import MainWindow

_never_destroyed: list[QObject] = []

FRAMES_VARIABLE = "JAM_FRAMES"
"""Names a file into which the times of all pictures are written at the end, for the bench."""


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    traceback.print_exception(kind, error, trace)


def _write_frames(window: MainWindow, path: Path) -> None:
    fall = window.waterfall
    frames = {"at_s": list(fall.painted_at_s), "paint_ms": list(fall.paint_times_ms)}
    path.write_text(json.dumps(frames), encoding="utf-8")


def _leave(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(
    link: EngineLink,
    preferences: Preferences,
    save: Callable[..., object] | None = None,
    news: str = "",
    recorder: Recorder | None = None,
    load: LoadPredictor | None = None,
    logs: deque[SessionLog] | None = None,
    readers: Readers | None = None,
    load_rewriter: LoadRewriter | None = None,
    song: Song | None = None,
) -> int:
    """Show the window on an engine that is running; returns the exit status when it is closed.

    save is called in the window's thread with names of `Preferences` and their new values, half a
    second after the last change; `news` is told when the window opens. Ctrl-C, SIGTERM and the
    end of the terminal close the window. recorder, load, logs, readers, load_rewriter, song: see
    `MainWindow`. The link is closed at
    the end, whatever happened.
    """
    # PyQt ends the program at an error in a slot or a paint event unless there is a hook; the
    # music must not stop because a picture failed.
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _report
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("jam")
    app.setOrganizationName("jam")
    app.setDesktopFileName("jam")
    app.setStyle("Fusion")
    app.setWindowIcon(app_icon())
    window = MainWindow(
        link, preferences, save, None, recorder, load, logs, readers, load_rewriter, song
    )
    window.tell(news)
    if path := os.environ.get(FRAMES_VARIABLE):
        window.closed.connect(lambda: _write_frames(window, Path(path)))

    def on_signal(number: int, _frame: FrameType | None) -> None:
        leave_the_terminal(number)
        window.close()

    # The poll timer lets Python run these handlers within a frame.
    before = {number: signal.signal(number, on_signal) for number in end_signals()}
    window.show()
    try:
        return int(app.exec())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        link.close()
        if app.platformName() == "xcb" and not has_screen():
            # Qt asks the X server while it takes a window or itself down, and mostly ends in a
            # segmentation fault when that is gone: so neither is taken down.
            _never_destroyed.extend((window, app))
            atexit.register(_leave, 1)
