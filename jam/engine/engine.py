"""The parent's end: starts stage and agent, keeps both alive, hands messages on."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from jam.agent.predictor import LoadPredictor
from jam.agent.process import START_WITHIN_S
from jam.clock import SystemClock
from jam.engine.processes import CRASHES, GIVEN_UP, AgentProcess, Spell, StageProcess, load_stand_in
from jam.errors import BadInput, JamError
from jam.messages.commands import ChangeSettings, DeviceChoice, Quit, Start, UseSong
from jam.messages.controls import ControlMoved, ControlsMoved, ShowOnControls, UseControls
from jam.messages.snapshot import SessionLog, Snapshot, StageFailed
from jam.settings import JamSettings

_log = logging.getLogger(__name__)
_LOOK_S = 0.1
"""So often the parent looks after stage and agent."""
_FROZEN_LOOKS = 14
"""An agent that hasn't counted on for so many looks is frozen: killed and started again."""
_STAGE_FROZEN_LOOKS = 60
"""The same for the stage; with it the sound goes, so it gets longer."""
_STUCK_S = 15.0
"""The same for an agent that counts on, but doesn't answer: it may only be slow."""
_STUCK_LOOKS = 20
"""For so many looks it must have been so: after a sleep it has waited long, and answers soon."""
_MAX_MOVED = 1000
"""Nobody looks at a control that was moved so many movements ago."""
_NEWS_FOR_S = 15.0
_RESTARTING = "The sound process has ended by itself; it is started again."


class Engine:
    """Stage and agent as seen from the window or the command line.

    `snapshot()` is the newest; `on_log` (if given) gets every SessionLog on the reading thread;
    `news` (if given) is what the parent itself has to tell the user, added to the snapshot's
    message. A stage that dies or hangs is started again with what was chosen last, and a jam that
    was going on begins anew.
    Close it, or use it as a context: the processes end, all notes off.
    """

    def __init__(
        self,
        settings: JamSettings,
        devices: DeviceChoice,
        load_predictor: LoadPredictor,
        on_log: Callable[[SessionLog], None] | None = None,
        news: Callable[[], str] | None = None,
    ) -> None:
        # A second thread of linear algebra disturbs the sound more than it helps the agent;
        # the library reads this when it is loaded.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # spawn: the children must inherit neither Qt nor threads nor torch.
        self._context = multiprocessing.get_context("spawn")
        self._settings, self._devices = settings, devices
        self._load, self._on_log, self._news = load_predictor, on_log, news
        self._clock = SystemClock()
        self._snapshot: Snapshot | None = None
        self._shown_by: StageProcess | None = None
        """The stage that the newest snapshot is from."""
        self._failure: StageFailed | None = None
        self._start = Start()
        self._song = UseSong(None)
        self._controls = UseControls()
        self._shown_on = ShowOnControls()
        self._moved: deque[ControlMoved] = deque(maxlen=_MAX_MOVED)
        self._sessions = 0
        self._first_word = threading.Event()
        self._outgoing: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._restarting = threading.Lock()
        self._over = False
        self._told, self._told_s = "", 0.0
        self._stage_spell, self._agent_spell = Spell(), Spell()
        self._stands_in = False
        self._try_again = False
        self._stuck_looks = 0
        self._stage = StageProcess(self._context, settings, devices)
        try:
            self._agent = self._new_agent()
            self._reader = self._new_reader()
            for target in (self._write, self._supervise):
                threading.Thread(target=target, name=target.__name__, daemon=True).start()
        except BaseException:  # no memory for a thread: whoever ends waits for its children
            self._closing.set()
            self._stage.process.kill()
            raise

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """False once the stage has ended for good."""
        return not self._over

    @property
    def stage_pid(self) -> int | None:
        return self._stage.process.pid

    @property
    def agent_pid(self) -> int | None:
        return self._agent.process.pid

    def wait_until_up(self, timeout_s: float = START_WITHIN_S) -> Snapshot:
        """Wait for the stage's first snapshot.

        Raises BadInput or JamError with the stage's own words when it could not begin.
        """
        self._first_word.wait(timeout_s)  # also where the stage has ended
        if self._failure is not None:
            error = BadInput if self._failure.exit_status == 2 else JamError
            raise error(self._failure.message)
        if self._snapshot is None:
            raise JamError(f"the sound process did not start within {timeout_s:.0f} seconds")
        return self._snapshot

    def send(self, command: object) -> None:
        """Hand a command to the writing thread; without effect once the stage is gone.

        Never blocks, so a window that sends can't be held up by a stage that doesn't read.
        """
        if isinstance(command, Start):
            self._start = command
            self._try_again = self._stands_in
        elif isinstance(command, ChangeSettings):
            self._settings = command.settings
        elif isinstance(command, UseSong):
            self._song = command
        elif isinstance(command, UseControls):
            self._controls = command
        elif isinstance(command, ShowOnControls):
            self._shown_on = command
        self._outgoing.put(command)

    def snapshot(self) -> Snapshot | None:
        """The newest snapshot; None before the first. Once the stage is gone it says so."""
        snapshot = self._snapshot
        if snapshot is None:
            return None
        is_down = self._shown_by is not self._stage or not self._stage.process.is_alive()
        if is_down and not self._closing.is_set():
            reason = self._failure.message if self._failure else "the sound process has ended"
            message = f"Stopped: {reason}." if self._over else _RESTARTING
            return replace(snapshot, running=False, phase="stopped", message=message)
        own = self._told if self._clock.now_s() < self._told_s + _NEWS_FOR_S else ""
        news = self._news() if self._news is not None else ""
        if own or news:
            lines = filter(None, (snapshot.message, own, news))
            return replace(snapshot, message="\n".join(lines))
        return snapshot

    def controls_moved(self) -> list[ControlMoved]:
        """What was moved since this was last asked, of the controls that are told."""
        moved = []
        with contextlib.suppress(IndexError):
            while True:
                moved.append(self._moved.popleft())
        return moved

    def close(self) -> None:
        """All notes off; stage and agent end. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        with self._restarting:
            self.send(Quit())
            self._stage.end(timeout_s=5.0)
            self._agent.end(timeout_s=2.0)
        self._over = True
        self._reader.join(timeout=1.0)

    # -- to and from the stage --------------------------------------------------------------------

    def _write(self) -> None:
        """Runs on: a thread of the parent. Sends commands in order, Quit last."""
        while True:
            command = self._outgoing.get()
            try:
                self._stage.connection.send(command)
            except (OSError, ValueError):
                _log.debug("sending to the stage", exc_info=True)
            if isinstance(command, Quit):
                return

    def _new_reader(self) -> threading.Thread:
        reader = threading.Thread(
            target=self._read, args=(self._stage,), name="stage-read", daemon=True
        )
        reader.start()
        return reader

    def _read(self, stage: StageProcess) -> None:
        """Runs on: a thread of the parent. Takes what a stage sends until it hangs up."""
        try:
            while True:
                message = stage.connection.recv()
                if isinstance(message, ControlsMoved):
                    self._moved.extend(message.moved)
                    continue
                if isinstance(message, Snapshot):
                    self._snapshot, self._shown_by = message, stage
                elif isinstance(message, StageFailed):
                    self._failure = message
                elif isinstance(message, SessionLog):
                    self._sessions = max(self._sessions, message.session)
                    if self._on_log is not None:
                        self._on_log(message)
                    continue
                self._first_word.set()
        except Exception:  # EOF, reset, or half a message of a killed process
            _log.debug("the stage hung up", exc_info=True)
            self._first_word.set()

    # -- looking after both -----------------------------------------------------------------------

    def _supervise(self) -> None:
        """Runs on: a thread of the parent. Starts again what dies or hangs."""
        while not self._closing.wait(_LOOK_S) and not self._over:
            with self._restarting:
                if self._closing.is_set():
                    return
                if self._stage_is_well():
                    self._mind_the_agent()
                elif self._may_restart():
                    self._restart_stage()
                else:
                    self._over = True

    def _stage_is_well(self) -> bool:
        if not self._stage.process.is_alive():
            return False
        if not self._stage.pulse.stands_still(_STAGE_FROZEN_LOOKS):
            return True
        _log.warning("the stage hangs: killed")
        self._stage.process.kill()
        self._stage.process.join(timeout=2.0)
        return False

    def _may_restart(self) -> bool:
        """False for a stage that ended in order, could not begin, or dies again and again."""
        if self._stage.process.exitcode == 0 or self._snapshot is None:
            return False
        return self._stage_spell.add(self._clock.now_s()) <= CRASHES

    def _restart_stage(self) -> None:
        status = self._stage.process.exitcode
        _log.warning("the stage ended with status %s: started again", status)
        self._reader.join(timeout=1.0)
        self._stage.connection.close()
        self._stage.end(timeout_s=0.0)
        last = self._snapshot
        assert last is not None
        devices = DeviceChoice(
            last.devices.wanted_audio,
            last.devices.wanted_rate,
            last.devices.wanted_block or self._devices.block_frames,
            last.devices.wanted_inputs,
            last.devices.wanted_outputs,
            self._devices.midi_api,
            midi_required=False,
            audio_required=False,
            soundfont=last.devices.wanted_soundfont,
            microphone=last.devices.wanted_microphone,
            agent_server=last.devices.wanted_agent_server,
        )
        self._stage = StageProcess(self._context, self._settings, devices, self._sessions)
        self._reader = self._new_reader()
        self._agent.end()
        self._agent = self._new_agent()
        self._told = "The sound process had ended by itself and was started again."
        if self._song.song is not None:
            self._outgoing.put(self._song)
        self._outgoing.put(self._controls)
        self._outgoing.put(self._shown_on)
        if last.running:
            self._told += " The jam begins anew."
            self._outgoing.put(self._start)
        self._told_s = self._clock.now_s()

    def _new_agent(self) -> AgentProcess:
        load = load_stand_in if self._stands_in else self._load
        return AgentProcess(self._context, self._stage, load, self._clock.now_s())

    def _mind_the_agent(self) -> None:
        now_s = self._clock.now_s()
        process = self._agent.process
        if self._try_again:  # a new jam: whatever killed it may be over
            self._try_again = self._stands_in = False
            self._agent_spell.deaths = CRASHES - 1
            self._agent.end()
            self._agent = self._new_agent()
            return
        if process.is_alive() and (self._agent.hangs(_FROZEN_LOOKS) or self._stuck()):
            _log.warning("the agent hangs: killed")
            self._agent.end()
        if process.is_alive() or now_s - self._agent.started_s < self._agent_spell.wait_s():
            return
        _log.warning("the agent ended with status %s: started again", process.exitcode)
        deaths = self._agent_spell.add(now_s)
        self._stands_in = self._stands_in or deaths >= CRASHES
        if deaths == 2 * CRASHES:
            self._told, self._told_s = GIVEN_UP, now_s
        self._agent = self._new_agent()

    def _stuck(self) -> bool:
        snapshot = self._snapshot
        is_stuck = (
            snapshot is not None
            and snapshot.agent_waiting_s > _STUCK_S
            and self._clock.now_s() - self._agent.started_s > _STUCK_S
        )
        self._stuck_looks = self._stuck_looks + 1 if is_stuck else 0
        return self._stuck_looks >= _STUCK_LOOKS
