"""A measurement of latency that goes on: clicks are played back, what is played is collected."""

from __future__ import annotations

from collections.abc import Callable

from jam.errors import BadInput
from jam.messages.commands import Play, PlaybackCommand, UnloadTake
from jam.messages.snapshot import DeviceState, Snapshot
from jam.performance.calibration import CLICKS, NAME, Measured, click_times, clicks, measure
from jam.settings import JamSettings


class Calibration:
    """Begins at once; `look` at every snapshot until `over`. Then `measured`, or `refused` says
    why not. No jam may be running; one that is started ends it.

    With sound the metronome clicks; without, notes go to the MIDI outputs, from where a cable may
    lead back to an input.
    """

    def __init__(
        self,
        send: Callable[[PlaybackCommand], object],
        settings: JamSettings,
        devices: DeviceState,
        count: int = CLICKS,
    ) -> None:
        self._send, self._count = send, count
        self._clicks_s: list[float] = []
        self._taps_s: dict[int, float] = {}
        self.over = False
        self.measured: Measured | None = None
        self.refused = ""
        heard = settings.changed(metronome_volume=max(0.5, settings.metronome_volume))
        send(clicks(heard, "metronome" if devices.audio else "chords", count))
        send(Play(0.0))

    @property
    def taps(self) -> int:
        """Notes that came so far."""
        return len(self._taps_s)

    def look(self, snapshot: Snapshot) -> None:
        """Take note of what is played; when the clicks are over, work it out."""
        if self.over:
            return
        state = snapshot.playback
        if snapshot.running or (self._clicks_s and (state is None or state.name != NAME)):
            self.cancel()
            return
        if state is None or state.name != NAME:
            return  # not loaded yet
        if state.playing:
            self._clicks_s = click_times(state, self._count)
        if self._clicks_s:
            begin_s = self._clicks_s[0] - 0.5
            self._taps_s |= {n.note_id: n.start_s for n in snapshot.played if n.start_s > begin_s}
            if not state.playing:
                self._end()

    def cancel(self) -> None:
        """Measure nothing."""
        if not self.over:
            self.over = True
            self.refused = "it was stopped"
            self._send(UnloadTake())

    def _end(self) -> None:
        self.over = True
        self._send(UnloadTake())
        try:
            self.measured = measure(self._clicks_s, list(self._taps_s.values()))
        except BadInput as error:
            self.refused = str(error)
