"""Start Qt, show the window, run until it is closed."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QApplication

from jam.settings import JamSettings
from ui.icon import app_icon
from ui.link import EngineLink
from ui.window import MainWindow

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    traceback.print_exception(kind, error, trace)


def run(
    link: EngineLink,
    settings: JamSettings,
    save_settings: Callable[[JamSettings], None] | None = None,
    save_midi_inputs: Callable[[tuple[str, ...]], None] | None = None,
    news: str = "",
) -> int:
    """Show the window on an engine that is running; returns the exit status when it is closed.

    save_settings is called in the window's thread, half a second after the last change,
    save_midi_inputs when others are chosen; `news` is told when the window opens. SIGINT
    and SIGTERM close the window. The link is closed at the end, whatever happened.
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
    window = MainWindow(link, settings, save_settings)
    if save_midi_inputs is not None:
        window.controls.midi_inputs_chosen.connect(save_midi_inputs)
    window.tell(news)
    stored = QSettings()
    geometry = stored.value("geometry")
    if not (isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)):
        window.resize(1280, 720)
    # Closed while it is still whole: afterwards its geometry is no longer known.
    window.closed.connect(lambda: stored.setValue("geometry", window.saveGeometry()))

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        window.close()

    # The poll timer lets Python run these handlers within a frame.
    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    window.show()
    try:
        return int(app.exec())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        link.close()
