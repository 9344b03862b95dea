"""A measurement of latency that goes on: clicks are played back, what is played is collected."""

from __future__ import annotations

from collections.abc import Callable

from jam.errors import BadInput
from jam.jobs import Done, Failed, Job, Working
from jam.messages.commands import Play, PlaybackCommand, UnloadTake
from jam.messages.snapshot import DeviceState, Snapshot
from jam.performance.calibration import (
    CLICKS,
    INTERVAL_S,
    NAME,
    Measured,
    click_times,
    clicks,
    measure,
)
from jam.settings import JamSettings
from jam.voice.loop_back import heard_clicks

_LONGER_S = 3.0
"""The microphone listens so much longer than the clicks last."""


class Calibration:
    """Begins at once; `look` at every snapshot until `over`. Then `measured`, or `refused` says
    why not. No jam may be running; one that is started ends it.

    With sound the metronome clicks; without, notes go to the MIDI outputs, from where a cable may
    lead back to an input. microphone: the name of one that hears the clicks, in place of a player
    who plays along: at the loudspeaker, or a cable from the output.
    """

    def __init__(
        self,
        send: Callable[[PlaybackCommand], object],
        settings: JamSettings,
        devices: DeviceState,
        count: int = CLICKS,
        microphone: str | None = None,
    ) -> None:
        self._send, self._count = send, count
        self._clicks_s: list[float] = []
        self._taps_s: dict[int, float] = {}
        self._job: Job[list[float]] | None = None
        if microphone is not None:
            self._job = Job(heard_clicks, microphone, count * INTERVAL_S + _LONGER_S)
        self.over = False
        self.measured: Measured | None = None
        self.refused = ""
        heard = settings.changed(metronome_volume=max(0.5, settings.metronome_volume))
        self._clicks = clicks(heard, "metronome" if devices.audio else "chords", count)
        self._begun = False
        if self._job is None:
            self._begin()

    def _begin(self) -> None:
        self._begun = True
        self._send(self._clicks)
        self._send(Play(0.0))

    @property
    def by_microphone(self) -> bool:
        """Whether the clicks are heard by a microphone."""
        return self._job is not None

    @property
    def taps(self) -> int:
        """Notes that came so far."""
        return len(self._taps_s)

    def look(self, snapshot: Snapshot) -> None:
        """Take note of what is played; when the clicks are over, work it out."""
        if self.over:
            return
        state = snapshot.playback
        heard = self._job.poll() if self._job is not None else None
        if isinstance(heard, Failed):
            self.cancel()
            self.refused = heard.message
            return
        is_loaded = state is not None and state.name == NAME
        if snapshot.running or (not is_loaded and (self._clicks_s or isinstance(heard, Done))):
            self.cancel()
            return
        if not self._begun:
            if isinstance(heard, Working) and heard.total:  # it listens
                self._begin()
            return
        if state is None or not is_loaded:
            return  # not yet
        if state.playing:
            self._clicks_s = click_times(state, self._count)
        if self._clicks_s:
            begin_s = self._clicks_s[0] - 0.5
            self._taps_s |= {n.note_id: n.start_s for n in snapshot.played if n.start_s > begin_s}
            if isinstance(heard, Done):
                self._end(heard.result)
            elif self._job is None and not state.playing:
                self._end(list(self._taps_s.values()))

    def cancel(self) -> None:
        """Measure nothing."""
        if not self.over:
            self.over = True
            self.refused = "it was stopped"
            self._let_go()

    def _let_go(self) -> None:
        self._send(UnloadTake())
        if self._job is not None:
            self._job.close()

    def _end(self, taps_s: list[float]) -> None:
        self.over = True
        self._let_go()
        try:
            self.measured = measure(self._clicks_s, taps_s)
        except BadInput as error:
            self.refused = str(error)
