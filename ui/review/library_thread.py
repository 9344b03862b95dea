"""The library on a thread of its own: the window asks, and is called back with the answer."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from jam.errors import JamError
from jam.sessions.library import Library

T = TypeVar("T")
_Asked = tuple[Callable[[Library], object], Callable[[object], None]]


class LibraryThread(QObject):
    """Does one thing after the other with the library, which is opened when it is first needed."""

    failed = pyqtSignal(str)
    """One line: what could not be done, and why."""
    _answered = pyqtSignal(object)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._library: Library | None = None
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._closed = False
        self._answered.connect(self._deliver)
        self._thread = threading.Thread(target=self._run, name="library", daemon=True)
        self._thread.start()

    def ask(self, work: Callable[[Library], T], then: Callable[[T], object] | None = None) -> None:
        """Have `work` done; `then` is called in the window's thread with what it returned."""

        def answer(result: object) -> None:
            if then is not None:
                then(result)  # type: ignore[arg-type]

        self._queue.put((work, answer))

    def close(self) -> None:
        """Finish what was asked for; nothing is answered any more."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _deliver(self, answer: Callable[[], None]) -> None:
        if not self._closed:
            answer()

    def _run(self) -> None:
        """Runs on: the library's thread."""
        while (asked := self._queue.get()) is not None:
            work, answer = asked
            try:
                if self._library is None:
                    self._library = Library(self._path)
                result = work(self._library)
            except JamError as error:
                self._forget()
                self._say(str(error))
            except Exception as error:  # the thread must go on
                logging.getLogger(__name__).exception("the library")
                self._forget()
                self._say(f"the library of sessions: {error}")
            else:
                self._answered.emit(lambda answer=answer, result=result: answer(result))
        self._forget()

    def _say(self, text: str) -> None:
        if not self._closed:
            self.failed.emit(text)

    def _forget(self) -> None:
        """Open it anew with the next question: what was wrong may have been mended."""
        library, self._library = self._library, None
        if library is not None:
            library.close()
