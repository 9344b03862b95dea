"""What the stage tells its parent: snapshots for the window, logs for the record, counters."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from jam.audio.mixer import Sound
from jam.clock import Clock
from jam.messages.notes import AGENT, NoteEvent, PlayedNote, PlayerEvent, SoundedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SessionLog, Snapshot, SongChange
from jam.messages.sync import NOT_SYNCED, SyncState
from jam.music.grid import TempoMap
from jam.performance.conductor import Conductor
from jam.performance.song_line import SongInPlay
from jam.settings import JamSettings
from jam.stage.agent_link import Agent
from jam.stage.devices import Devices
from jam.stage.parent_link import ParentLink
from jam.stage.playback import Playback

_YOUNG_S = 0.3
_SEEN_S = 8.0
"""Notes that ended longer ago are not sent to the window any more."""


class Reports:
    """Keeps what has happened until it is told. Owned by the stage's loop.

    sent: notes of the band that were sent; they are taken from its left. sessions_before: the
    sessions are counted on from there.
    """

    def __init__(
        self,
        clock: Clock,
        parent: ParentLink,
        agent: Agent,
        devices: Devices,
        sound: Sound,
        playback: Playback,
        sent: deque[SoundedNote],
        sessions_before: int = 0,
    ) -> None:
        self._clock, self._parent, self._agent = clock, parent, agent
        self._devices, self._sound, self._playback = devices, sound, playback
        self.session = sessions_before
        """The number of the newest session."""
        self._log = SessionRecord(sent)
        self._seen = SeenNotes()
        self._counters = Counters()
        self.playing: SongInPlay | None = None
        """The song that was told last."""
        self._snapshots = itertools.count(1)

    # -- what happens -------------------------------------------------------------------------

    def begin(self, settings: JamSettings, voice_file: str = "") -> None:
        """A session begins with these settings."""
        self.session += 1
        self._log.voice_file = voice_file
        self.playing = None
        self._log.begin(self._clock.now_s(), settings)
        self._counters = replace(self._counters, late_plans=0)

    def set_to(self, settings: JamSettings) -> None:
        """The settings were changed in mid-session."""
        self._log.set_to(self._clock.now_s(), settings)

    def song(self, playing: SongInPlay | None) -> None:
        """Another song is played, or another version of it; told at once."""
        self.playing = playing
        self._log.song(self._clock.now_s(), playing)

    def played(self, event: PlayerEvent) -> None:
        """The player did something."""
        self._log.played(event)
        if isinstance(event, NoteEvent):
            self._seen.take(event)

    def planned(self, plan: Plan, late_plans: int) -> None:
        """A plan was taken over; so many were late so far."""
        self._log.planned(plan)
        self._counters = replace(
            self._counters,
            plans=self._counters.plans + 1,
            late_plans=late_plans,
            plan_ms=1000 * plan.compute_s,
        )

    # -- telling it ---------------------------------------------------------------------------

    def show(
        self,
        now_s: float,
        conductor: Conductor | None,
        settings: JamSettings,
        message: str,
        sync: SyncState = NOT_SYNCED,
    ) -> None:
        """Send a snapshot."""
        self._seen.forget(now_s)
        self._parent.show(replace(self._snapshot(now_s, conductor, settings, message), sync=sync))

    def log(self, conductor: Conductor | None) -> None:
        """Send what happened since the last log, if anything did."""
        tempo_map = conductor.tempo_map if conductor is not None else None
        self._send_log(conductor, tempo_map)

    def end(self, tempo_map: TempoMap) -> None:
        """Send the last log of a session."""
        self._send_log(None, tempo_map, ended=True)

    def _send_log(
        self, conductor: Conductor | None, tempo_map: TempoMap | None, ended: bool = False
    ) -> None:
        sounded = self._log.drain_sent()
        if errors := [1000 * e.late_s for e in sounded if e.velocity]:
            self._counters = replace(self._counters, scheduler_error_ms=max(errors))
        log = self._log.take(
            self.session,
            self._clock.now_s(),
            conductor,
            tempo_map,
            sounded,
            self._counted(),
            ended,
            _YOUNG_S if self._devices.microphone.is_on else 0.0,
        )
        if log is not None:
            self._parent.tell(log)

    def _counted(self) -> Counters:
        return replace(
            self._counters,
            dropouts=self._devices.dropouts,
            dropped_messages=self._devices.dropped_messages,
            agent_restarts=self._agent.restarts,
            voices=self._sound.voices,
        )

    def _snapshot(
        self, now_s: float, conductor: Conductor | None, settings: JamSettings, message: str
    ) -> Snapshot:
        agent = self._agent
        wants_network = settings.model == "neural"
        stopped = Snapshot(
            seq=next(self._snapshots),
            running=False,
            phase="stopped",
            at_s=now_s,
            tempo_map=TempoMap.constant(settings.bpm, settings.meter, now_s),
            settings=settings,
            played=self._seen.all(),
            agent_state=agent.state,
            agent_name=agent.name if wants_network or not agent.name else "rules",
            agent_models=agent.models,
            agent_waiting_s=agent.waiting_s(now_s) if conductor is not None else 0.0,
            counters=self._counted(),
            devices=self._devices.state(),
            message="\n".join(filter(None, (message, agent.message if wants_network else ""))),
            playback=self._playback.state,
            voice=self._devices.microphone.state,
            server=agent.server,
        )
        if conductor is None:
            return stopped
        return replace(
            stopped,
            running=True,
            phase=conductor.phase(now_s),
            tempo_map=conductor.recent_tempo_map(),
            listen_until_frame=conductor.listen_until_frame,
            committed_until_frame=conductor.committed_until_frame,
            plan_end_frame=conductor.planned_until_frame,
            planned=tuple(conductor.seen()),
            chords=conductor.chord_spans(),
            form=conductor.place_in_form(len(conductor.rows)),
            turn=conductor.turn(),
            expected=conductor.expected(),
            practises=conductor.practises,
        )


class SessionRecord:
    """What of a session has not been told yet.

    sent: notes of the band that were sent; they are taken from its left.
    """

    def __init__(self, sent: deque[SoundedNote]) -> None:
        self._sent = sent
        self._played: list[PlayerEvent] = []
        self._plans: list[Plan] = []
        self._settings: list[tuple[float, JamSettings]] = []
        self._songs: list[SongChange] = []
        self._source = AGENT
        self._n_rows = 0
        self.voice_file = ""
        """Where the microphone's sound is written, until it is told."""

    def begin(self, at_s: float, settings: JamSettings) -> None:
        """A session begins with these settings."""
        self._settings = [(at_s, settings)]
        self._songs, self._source = [], AGENT
        self._n_rows = 0

    def played(self, event: PlayerEvent) -> None:
        """A note that ends before it begins was none (see jam.voice.segmenter)."""
        if isinstance(event, NoteEvent) and not event.velocity:
            for i, begun in enumerate(self._played):
                if isinstance(begun, NoteEvent) and begun.note_id == event.note_id:
                    if event.at_s < begun.at_s:
                        del self._played[i]
                        return
                    break
        self._played.append(event)

    def planned(self, plan: Plan) -> None:
        self._plans.append(plan)

    def song(self, at_s: float, playing: SongInPlay | None) -> None:
        """Another song is played, or none."""
        if playing is None:
            self._songs.append(SongChange(at_s, None))
        else:
            self._songs.append(SongChange(at_s, playing.song, playing.first_bar))

    def set_to(self, at_s: float, settings: JamSettings) -> None:
        """The settings were changed in mid-session."""
        self._settings.append((at_s, settings))

    def drain_sent(self) -> list[SoundedNote]:
        """What was sent since this was last asked."""
        sounded = []
        with contextlib.suppress(IndexError):
            while True:
                sounded.append(self._sent.popleft())
        return sounded

    def take(
        self,
        session: int,
        now_s: float,
        conductor: Conductor | None,
        tempo_map: TempoMap | None,
        sounded: list[SoundedNote],
        counters: Counters,
        ended: bool = False,
        young_s: float = 0.0,
    ) -> SessionLog | None:
        """All that has happened since the last time; None when nothing has.

        young_s: what the player did no longer ago is told the next time: a note may be none.
        tempo_map: of the session that goes on, or of the one that has ended; None between two.
        """
        rows = conductor.rows[self._n_rows :] if conductor else []
        played = self._played
        if not ended:
            old = [event.at_s <= now_s - young_s for event in played]
            played = played[: old.index(False)] if False in old else played
        happened = self._settings or self._songs or played or self._plans
        if not (ended or sounded or rows or happened):
            return None
        log = SessionLog(
            session=session if tempo_map is not None else 0,
            at_s=now_s,
            seed=conductor.seed if conductor else 0,
            ended=ended,
            settings=tuple(self._settings),
            counters=counters,
            played=tuple(played),
            sounded=tuple(sounded),
            plans=tuple(self._plans),
            rows=tuple(enumerate(rows, self._n_rows)),
            songs=tuple(self._songs),
            sources=tuple(self._changed_sources(conductor)) if conductor else (),
            tempo_map=tempo_map,
            voice_file=self.voice_file,
        )
        self.voice_file = ""
        self._n_rows += len(rows)
        self._played = self._played[len(played) :]
        self._plans, self._settings, self._songs = [], [], []
        return log

    def _changed_sources(self, conductor: Conductor) -> Iterator[tuple[int, str]]:
        for frame, source in conductor.sources(self._n_rows):
            if source != self._source:
                self._source = source
                yield frame, source


class SeenNotes:
    """The player's notes as the window shows them: those held, and those of the last seconds."""

    def __init__(self) -> None:
        self._notes: dict[int, PlayedNote] = {}

    def take(self, event: NoteEvent) -> None:
        """A key went down or came up."""
        if event.velocity:
            self._notes[event.note_id] = PlayedNote(
                event.note_id, event.pitch, event.velocity, event.at_s
            )
        elif event.note_id in self._notes:
            note = self._notes[event.note_id]
            if event.at_s < note.start_s:
                del self._notes[event.note_id]  # it was none
            else:
                self._notes[event.note_id] = replace(note, end_s=event.at_s)

    def forget(self, now_s: float) -> None:
        """Let go of what has run off the screen."""
        if len(self._notes) > 32:
            horizon_s = now_s - _SEEN_S
            self._notes = {
                i: n for i, n in self._notes.items() if n.end_s is None or n.end_s > horizon_s
            }

    def all(self) -> tuple[PlayedNote, ...]:
        return tuple(self._notes.values())
