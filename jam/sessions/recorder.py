"""Records every jam into the library, on one thread, off the way of the notes.

Whatever happens to the disk, the jam goes on: what can't be written waits in memory, the user is
told, and it is written as soon as it can be.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from jam.clock import Clock, SystemClock, date_now
from jam.errors import BadInput, JamError
from jam.files import library_path
from jam.messages.snapshot import SessionLog
from jam.sessions import schema, voices
from jam.sessions.check import faults_of_file, is_damaged
from jam.sessions.library import Library
from jam.sessions.lock import RecordingLock
from jam.sessions.rows import live_take_entry, moment_entry
from jam.sessions.session import LIVE_TAKE, Moment, MomentKind, SessionInfo, TakeInfo
from jam.sessions.spool import Spool
from jam.sessions.tape import Tape

_log = logging.getLogger(__name__)
_WRITE_EVERY_S = 0.4
_TRY_AGAIN_S = 1.0
_LOCK_WAIT_S = 0.3
_NEWS_FOR_S = 15.0
_LAST_TRIES_S = 3.0
"""So long the end of the program waits for a library that can't be written to."""
VANISHED = "The library of sessions has vanished; there is a new one."
IN_MEMORY = "What you play is kept in memory until it can be saved"
RECOVERED = "Recovered an interrupted jam"


@dataclass
class _Recording:
    """One session on its way to the library. Kept whole until it is known to be readable there."""

    tape: Tape
    started_at: datetime
    entries: Spool
    n_written: int = 0
    id: int | None = None
    length_written_s: float = -1.0
    ended: bool = False
    voice_file: str = ""
    n_rows: Mapping[str, int] = field(default_factory=dict)
    """How many rows of each table the library has of it."""

    def begin_again(self) -> None:
        self.id, self.n_written, self.length_written_s = None, 0, -1.0

    @property
    def waits(self) -> bool:
        return (
            self.ended
            or self.n_written < len(self.entries)
            or self.tape.end_s != self.length_written_s
        )


@dataclass(frozen=True, slots=True)
class _Mark:
    kind: MomentKind
    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class _Switch:
    on: bool


class SessionWriter:
    """Takes the stage's logs and keeps every session in the library.

    No method but `close` blocks; all may be called from any thread.
    `trouble`: why the jam that goes on isn't saved at the moment, one sentence; "" when all is
    well. `news`: what was recovered or set aside, a sentence each, oldest first.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        title: str = "",
        recording: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._path, self._title, self._clock = path, title, clock or SystemClock()
        self.trouble = ""
        self.news: tuple[str, ...] = ()
        self._told_s = 0.0
        self.session_id: int | None = None
        """Of the session that goes on, or went on last, once it is in the library."""
        self._recording = self._records = recording
        self._library: Library | None = None
        self._lock: RecordingLock | None = None
        self._file: tuple[int, int] | None = None
        """Device and number of the library's file."""
        self._seen: tuple[int, int] | None = None
        """Its size and time of change, as we left them."""
        self._next_try_s = 0.0
        self._waiting: list[_Recording] = []
        self._current: _Recording | None = None
        self._session = 0
        self._queue: queue.SimpleQueue[SessionLog | _Mark | _Switch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="session-writer", daemon=True)
        self._thread.start()

    # -- any thread -----------------------------------------------------------------------------

    def take_log(self, log: SessionLog) -> None:
        self._queue.put(log)

    def mark(self, kind: MomentKind, at_s: float, text: str = "") -> bool:
        """Rate or mark a moment, at_s by the clock, of the jam; False when none is recorded."""
        self._queue.put(_Mark(kind, at_s, text))
        return self._current is not None

    @property
    def recording(self) -> bool:
        """Whether jams are recorded. Turned off in mid-jam, what was recorded of it is erased;
        turned on, the next jam is recorded."""
        return self._recording

    @recording.setter
    def recording(self, on: bool) -> None:
        self._recording = on
        self._queue.put(_Switch(on))

    def message(self) -> str:
        """What the user should know now: the trouble, and news for a while; "" when all is well."""
        is_new = self._clock.now_s() < self._told_s + _NEWS_FOR_S
        return " ".join((*(self.news if is_new else ()), *filter(None, [self.trouble])))

    def close(self) -> None:
        """End the session and write everything. What can't be written where it belongs is saved
        in the folder of temporary files, and `trouble` says so."""
        self._queue.put(None)
        self._thread.join()

    # -- the writer's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        if self._records:
            self._open()
        going_on = True
        while going_on:
            going_on = self._take_queue()
            if self._clock.now_s() >= self._next_try_s or not going_on:
                self._write()
        self._finish()

    def _take_queue(self) -> bool:
        """Take over what comes until it is time to write; False at the end."""
        deadline_s = self._clock.now_s() + _WRITE_EVERY_S
        while (left_s := deadline_s - self._clock.now_s()) > 0:
            try:
                item = self._queue.get(timeout=left_s)
            except queue.Empty:
                break
            if item is None:
                self._end_session()
                return False
            try:
                self._take(item)
            except Exception:  # a fault of ours must end neither the jam nor later sessions
                _log.exception("recording")
                self._tell("Recording of this jam has stopped because of a fault in the program.")
                self._end_session()
            if isinstance(item, SessionLog) and item.ended:
                break
        return True

    def _take(self, item: SessionLog | _Mark | _Switch) -> None:
        match item:
            case SessionLog():
                self._take_session_log(item)
            case _Mark(kind, at_s, text):
                if self._current is not None:
                    at = self._current.tape.session_s(at_s)
                    self._current.entries.append(moment_entry(Moment(at, kind, text)))
            case _Switch(on):
                self._records = on
                if not on and self._current is not None:
                    self._forget(self._current)

    def _take_session_log(self, log: SessionLog) -> None:
        if log.tempo_map is None:
            return
        if log.session != self._session:
            self._end_session()
            self._session = log.session
            if self._records:
                self._current = self._begin(log)
        if self._current is None:
            if log.voice_file:
                voices.forget(Path(log.voice_file))  # what is private isn't kept
            return
        self._keep_voice(self._current, log.voice_file)
        self._current.entries.extend(self._current.tape.take(log))
        if log.ended:
            self._end_session()

    def _begin(self, log: SessionLog) -> _Recording:
        tape = Tape(log)
        started_at = date_now() - timedelta(seconds=self._clock.now_s() - tape.began_s)
        folder = self._path.parent if self._path is not None else None
        recording = _Recording(tape, started_at, Spool(folder))
        live = TakeInfo(LIVE_TAKE, "As played", "live", tape.opening.settings, tape.opening.seed)
        recording.entries.append(live_take_entry(live))
        self._waiting.append(recording)
        return recording

    def _keep_voice(self, recording: _Recording, file: str) -> None:
        """The microphone's sound gets the name of its session, as soon as there is any."""
        recording.voice_file = file or recording.voice_file
        if not recording.voice_file:
            return
        path = self._path or library_path()
        if voices.keep(Path(recording.voice_file), path, recording.started_at):
            recording.voice_file = ""

    def _end_session(self) -> None:
        if self._current is not None:
            self._current.ended = True
            self._current = None

    def _forget(self, recording: _Recording) -> None:
        """Nothing of it is left behind."""
        self._waiting.remove(recording)
        if self._path is not None:
            unnamed = [Path(recording.voice_file)] if recording.voice_file else []
            voices.forget(voices.file_of(self._path, recording.started_at), *unnamed)
        recording.entries.close()
        self._current = None
        self.session_id = None
        if recording.id is None:
            return
        try:
            if self._open() and self._library is not None:
                self._library.erase(recording.id)
                return
            why = self.trouble
        except (JamError, sqlite3.Error) as error:
            why = f"{schema.reason(error)}."
        self._tell(f"The recording of this jam could not be deleted: {why}")

    # -- the library ------------------------------------------------------------------------------

    def _open(self) -> bool:
        """Open the library where it isn't open; a damaged one is set aside, a new one begun."""
        if self._library is not None:
            return True
        try:
            path = self._path = self._path or library_path()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                library = Library(path, wait_s=_LOCK_WAIT_S)
            except schema.Damaged:
                if is_damaged(path):
                    self._set_aside(path)
                library = Library(path, wait_s=_LOCK_WAIT_S)
            if not library.writable:
                library.close()
                raise JamError(f"{path}: it can't be written to (read-only)")
            self._use(library)
        except Exception as error:
            self._fail(error)
            return False
        return True

    def _use(self, library: Library) -> None:
        """From now on everything goes there; whoever died while recording there is helped."""
        status = library.path.stat()
        self._file = status.st_dev, status.st_ino
        if self._lock is None:
            self._lock = RecordingLock(library.path)
        recovered = library.recover()
        library.purge()
        self._library = library
        if recovered:
            self._tell(recovered_text(recovered))

    def _set_aside(self, path: Path) -> None:
        aside = schema.set_aside(path)
        for recording in self._waiting:
            recording.begin_again()
        self._tell(
            f"The library of sessions was damaged: it is kept as {aside}, and there is a new one;"
            f" jam sessions import {aside} imports what can be read."
        )

    def _leave(self) -> None:
        """The library gives trouble: it is opened anew with the next try."""
        if self._library is not None:
            with suppress(JamError, sqlite3.Error):
                self._library.close()
            self._library = None

    def _write(self) -> None:
        """Write all that waits, in one transaction for each session."""
        if not self.trouble and not any(recording.waits for recording in self._waiting):
            return
        try:
            if self._library is not None:
                self._look_at(self._library.path)
            if self._open() and self._library is not None:
                for recording in [r for r in self._waiting if r.waits]:
                    self._write_one(self._library, recording)
                    if recording.ended:
                        self._let_go(self._library, recording)
                self._remember(self._library.path)
                self.trouble = ""
        except sqlite3.IntegrityError:  # someone removed the session: it is written anew
            _log.exception("writing a session")
            for recording in self._waiting:
                recording.begin_again()
            self._next_try_s = self._clock.now_s() + _TRY_AGAIN_S
        except Exception as error:  # whatever it is, it must not end the recording
            path = self._library.path if self._library is not None else self._path
            self._leave()
            self._fail(error)
            # A second look: a disk that failed once is no reason to begin another library.
            if path is not None and _is_damage(error) and is_damaged(path):
                with suppress(OSError):
                    self._set_aside(path)
        for recording in self._waiting:
            recording.entries.settle(recording.n_written == len(recording.entries))

    def _look_at(self, path: Path) -> None:
        """Before anything is written to it: has another program written to the library's file?

        Others that write there as we do are welcome. Raises Damaged where what is being played
        can't be read there any more: the file was truncated, or overwritten in place.
        """
        status = None
        with suppress(OSError):
            status = path.stat()
        if status is None or (status.st_dev, status.st_ino) != self._file:
            self._leave()
            for recording in self._waiting:
                recording.begin_again()
            if self._lock is not None:  # it has vanished too
                self._lock.close()
                self._lock = None
            self._tell(VANISHED)
            return
        if self._seen is None or (status.st_size, status.st_mtime_ns) == self._seen:
            return
        if status.st_size < self._seen[0] and (faults := tuple(faults_of_file(path))):
            raise schema.Damaged(faults[0])
        for recording in self._waiting:
            self._check(path, recording)

    def _remember(self, path: Path) -> None:
        with suppress(OSError):
            status = path.stat()
            self._seen = status.st_size, status.st_mtime_ns

    def _check(self, path: Path, recording: _Recording) -> bool:
        """Whether the library has all that was written of a session: someone may have removed it,
        then it is written anew. Raises Damaged where it can't be read, JamError if not now."""
        if recording.id is None:
            return True
        try:
            # A connection of its own knows nothing but what is in the file.
            with Library(path, read_only=True, wait_s=_LOCK_WAIT_S) as library:
                found = library.n_rows(recording.id)
                library.read_texts()
        except BadInput as error:  # it was a library when it was opened
            raise schema.Damaged(str(error)) from None
        if not found["sessions"]:
            recording.begin_again()
            return False
        if all(found[table] >= n for table, n in recording.n_rows.items()):
            return True
        if is_damaged(path):
            raise schema.Damaged(f"{path}: what was recorded is missing")
        recording.begin_again()  # an older copy, it may be
        return False

    def _let_go(self, library: Library, recording: _Recording) -> None:
        """A session that has ended is kept here until it can be read in the library's file."""
        library.checkpoint()
        if recording.id is None or self._check(library.path, recording):
            self._waiting.remove(recording)
            recording.entries.close()

    def _write_one(self, library: Library, recording: _Recording) -> None:
        tape, n_entries = recording.tape, len(recording.entries)
        session_id = recording.id
        with library.transaction():
            if session_id is None:
                token = self._lock.token if self._lock else ""
                session_id = library.begin(tape.opening, recording.started_at, self._title, token)
            library.write(session_id, recording.entries.since(recording.n_written))
            library.write(session_id, [tape.progress()])
            kept = not recording.ended or library.finish(session_id, "complete")
        recording.id, recording.n_written = session_id if kept else None, n_entries
        recording.length_written_s, recording.n_rows = tape.end_s, tape.n_rows()
        self.session_id = recording.id

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, JamError | OSError | sqlite3.Error):
            _log.exception("recording")
        self._next_try_s = self._clock.now_s() + _TRY_AGAIN_S
        why = schema.reason(error)
        if not isinstance(error, JamError):  # which names the file itself
            why = f"{self._path or 'the folder for sessions'}: {why}"
        self.trouble = f"{IN_MEMORY}: {why}."

    def _tell(self, sentence: str) -> None:
        self.news = (*self.news, sentence)
        self._told_s = self._clock.now_s()

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self) -> None:
        give_up_s = self._clock.now_s() + _LAST_TRIES_S
        while self._waiting and self._clock.now_s() < give_up_s:
            self._clock.wait_until(self._clock.now_s() + _WRITE_EVERY_S)
            self._write()
        if self._waiting:
            self._rescue()
        self._leave()
        if self._lock is not None:
            self._lock.close()

    def _rescue(self) -> None:
        """Save what can't be written where it belongs in the folder of temporary files."""
        folder, why = tempfile.gettempdir(), self.trouble
        try:
            # Its name can't be foreseen, and nobody else may read it: the folder is everyone's.
            handle, name = tempfile.mkstemp(
                ".sqlite3", f"jam-rescued-{date_now():%Y%m%d-%H%M%S}-", folder
            )
            os.close(handle)
            path = Path(name)
            try:
                self._write_all_to(path)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            self.trouble = (
                f"{why} It was saved as {path} instead: jam sessions import {path} imports it."
            )
        except Exception as error:
            self.trouble = (
                f"{why} It could not be saved in {folder} either: {schema.reason(error)}."
            )

    def _write_all_to(self, path: Path) -> None:
        with Library(path) as library:
            for recording in tuple(self._waiting):
                recording.begin_again()
                self._write_one(library, recording)
                self._let_go(library, recording)


def _is_damage(error: Exception) -> bool:
    return isinstance(error, schema.Damaged) or (
        isinstance(error, sqlite3.Error) and schema.is_damage(error)
    )


def recovered_text(sessions: Sequence[SessionInfo]) -> str:
    """What the next start says of jams that were broken off."""
    said = [
        f"{s.name} ({s.n_bars} bars, {int(s.length_s) // 60}:{int(s.length_s) % 60:02})"
        for s in sessions
    ]
    return f"{RECOVERED}: {', '.join(said)}."
