"""A tune while it is practised: what of it is whose, and what is waited for."""

from __future__ import annotations

from jam.accompaniment.notes import note_id
from jam.messages.notes import ExpectedNote, PlannedNote
from jam.music.grid import TempoMap
from jam.music.rows import MelodyState
from jam.music.tune import Due, due
from jam.performance.song_line import SongInPlay
from jam.roles.phrase import SOLO
from jam.settings import JamSettings

_EARLY_BEATS = 0.5
"""A key that is struck so early counts for the note that is to come."""
_PAST_BARS = 2


class TuneInPlay:
    """Owned by the `Conductor`; frames are the session's."""

    def __init__(self) -> None:
        self._struck: set[tuple[int, int]] = set()
        """(start frame, pitch) of the notes of the tune that the player has struck."""

    def forget(self) -> None:
        """Another song is played."""
        self._struck.clear()

    def _due(
        self, playing: SongInPlay | None, tempo_map: TempoMap, settings: JamSettings,
        first: int, end: int,
    ) -> list[Due]:  # fmt: skip
        if playing is None or not playing.song.has_tune:
            return []
        where = playing.song, playing.first_bar, tempo_map, first, end
        return list(due(*where, playing.step, settings.split_pitch))

    def wanted(
        self, playing: SongInPlay | None, tempo_map: TempoMap, settings: JamSettings,
        first: int, end: int,
    ) -> list[Due]:  # fmt: skip
        """What the player is to play from frame `first` to `end`."""
        if settings.tune_plays in ("all", "off"):
            return []
        found = self._due(playing, tempo_map, settings, first, end)
        return [note for note in found if note.hand != settings.tune_plays]

    def shown(
        self, playing: SongInPlay | None, tempo_map: TempoMap, settings: JamSettings,
        first: int, end: int,
    ) -> tuple[ExpectedNote, ...]:  # fmt: skip
        """The same for the screen."""
        found = self.wanted(playing, tempo_map, settings, first, end)
        return tuple(ExpectedNote(n.pitch, n.start_frame, n.end_frame) for n in found)

    def played(
        self, playing: SongInPlay | None, tempo_map: TempoMap, settings: JamSettings,
        now: int, end: int,
    ) -> list[PlannedNote]:  # fmt: skip
        """What of it is played for the player, of the last bars and to frame `end`."""
        if settings.tune_plays in ("none", "off"):
            return []
        first = max(0, now - _PAST_BARS * tempo_map.meter_at(now).frames_per_bar)
        found = self._due(playing, tempo_map, settings, first, end)
        return [
            PlannedNote(
                note_id(SOLO, n.start_frame, n.pitch), n.pitch, n.velocity,
                float(n.start_frame), n.end_frame - 0.2, SOLO, True,
            )
            for n in found
            if settings.tune_plays in ("all", n.hand)
        ]  # fmt: skip

    def state(
        self, playing: SongInPlay | None, tempo_map: TempoMap, settings: JamSettings, frame: int
    ) -> MelodyState | None:
        """The tune's highest note in a frame; None where there is no tune at all."""
        if playing is None or not playing.song.has_tune:
            return None
        first = frame - 2 * tempo_map.meter_at(frame).frames_per_bar
        found = self._due(playing, tempo_map, settings, first, frame + 1)
        sounding = [n for n in found if n.end_frame > frame]
        if not sounding:
            return MelodyState()
        top = max(sounding, key=lambda n: (n.start_frame == frame, n.pitch))
        return MelodyState(top.pitch, top.start_frame == frame)

    # -- waiting ------------------------------------------------------------------------------

    def strike(self, pitch: int, position: float, wanted: list[Due], beat_frames: int) -> None:
        """The player strikes a key: it is for the next note of that pitch that is still missing."""
        for note in wanted:
            key = note.start_frame, note.pitch
            early = note.start_frame - position
            if (
                note.pitch == pitch
                and key not in self._struck
                and (early <= _EARLY_BEATS * beat_frames)
            ):
                self._struck.add(key)
                return

    def missing(self, wanted: list[Due]) -> int | None:
        """The first frame at which a note is to be played that wasn't."""
        return next(
            (n.start_frame for n in wanted if (n.start_frame, n.pitch) not in self._struck), None
        )
