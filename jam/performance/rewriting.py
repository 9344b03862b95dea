"""A take of which some bars are composed again, and all of the rest is as it was. Pure.

What belongs to the bars that are selected: the chords of their frames; the player's notes that are
meant for them from beginning to end; of the band, what begins in them. A note of the band that
began before is cut where the selection begins, and one that lasts beyond it goes on there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jam.accompaniment import Arrangement, Memory, Touch, accompany, dice, playable_style
from jam.accompaniment.feel import Hand, played
from jam.accompaniment.notes import MIN_FRAMES, Draft
from jam.accompaniment.styles import conditioned
from jam.agent.rewriting import AROUND_BARS, WHOLLY, Filling, Gap, RewrittenPart
from jam.errors import BadInput
from jam.messages.notes import Note
from jam.midi.file import MidiSong
from jam.music.grid import TempoMap, nearest_frame
from jam.music.key import Key
from jam.music.palette import allowed_chords
from jam.music.rows import NO_CHORD, REST, ChordState
from jam.performance.band_in_play import band_velocity
from jam.performance.offline import key_strokes, melody_line
from jam.performance.presence import Presence
from jam.performance.take import Take
from jam.settings import JamSettings

BAND = ("chords", "bass", "drums")
_LEAD_IN_BARS = 2
"""The band is led so far into the selection, so that its voices come from somewhere."""
_FREER, _MIDDLE_MS = 3.0, 20.0
"""Another performance differs from the one before by as much as two that were drawn do; notes lie
in the middle of where they may."""
_USUAL_VELOCITY = 76
_ACCENTS = {3: 8, 2: 4, 1: 0, 0: -6}
"""Of new notes where there are none to take velocities from, by the strength of their place."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some bars of chords, melody or both; bars count from 0, the last one is within."""

    first_bar: int
    last_bar: int
    part: RewrittenPart = "both"

    def frames(self, tempo_map: TempoMap) -> range:
        """The frames of its bars."""
        return range(tempo_map.bar_start(self.first_bar), tempo_map.bar_start(self.last_bar + 1))

    @property
    def chords(self) -> bool:
        return self.part in ("chords", "both")

    @property
    def melody(self) -> bool:
        return self.part in ("melody", "both")

    @property
    def words(self) -> str:
        """ "bars 5–8", "bar 3"."""
        if self.first_bar == self.last_bar:
            return f"bar {self.first_bar + 1}"
        return f"bars {self.first_bar + 1}–{self.last_bar + 1}"


@dataclass(frozen=True, slots=True)
class RewriteWish:
    """How a selection is to be composed again; share and temperature as in `Gap`.

    key: chords and melody keep to it. palette: as in `jam.music.palette`.
    """

    selection: Selection
    n: int = 4
    share: float = WHOLLY
    temperature: float = 1.0
    key: Key | None = None
    palette: tuple[str, ...] = ()
    seed: int = 0


def n_bars(take: Take) -> int:
    """How many bars a take has, from its first one on."""
    ends = [note.end_frame for notes in take.parts.values() for note in notes]
    last = max([len(take.chords), *(nearest_frame(end) for end in ends)])
    return take.tempo_map.place(last - 1).bar + 1 if last > 0 else 0


def check_selection(take: Take, selection: Selection) -> None:
    """Raises BadInput where a take has no such bars."""
    n = n_bars(take)
    if not 0 <= selection.first_bar <= selection.last_bar < n:
        raise BadInput(f"{selection.words}: the take has bars 1 to {n}")


def _chord_line(take: Take, end: int) -> list[ChordState]:
    """The chord of every frame to `end` at least."""
    return [*take.chords, *[NO_CHORD] * (end - len(take.chords))]


def stays(note: Note, frames: range) -> bool:
    """True for a note of the player that doesn't lie within the frames from end to end."""
    start, end = nearest_frame(note.start_frame), nearest_frame(note.end_frame)
    return not (frames.start <= start and max(end, start + 1) <= frames.stop)


def gap_of(take: Take, wish: RewriteWish, settings: JamSettings) -> Gap:
    """What is to be filled. Raises BadInput for bars that aren't there, and for a palette and a
    key that leave no chord."""
    selection, tempo_map = wish.selection, take.tempo_map
    check_selection(take, selection)
    frames = selection.frames(tempo_map)
    player = take.parts.get("player", ())
    melody = []
    if player:
        song = MidiSong("", tuple(player), tempo_map)
        melody = melody_line(song)
    n = max(frames.stop, len(take.chords), len(melody))
    start = tempo_map.bar_start(max(0, selection.first_bar - AROUND_BARS))
    end = min(n, tempo_map.bar_start(selection.last_bar + 1 + AROUND_BARS))
    melody += [REST] * (end - len(melody))
    kept = {
        frame
        for note in player
        if stays(note, frames)
        for frame in range(
            max(frames.start, nearest_frame(note.start_frame)),
            min(frames.stop, nearest_frame(note.end_frame)),
        )
    }
    line, around = _chord_line(take, end), range(start, end)
    conditions = conditioned(settings, playable_style(settings.accompaniment))
    return Gap(
        tuple(melody[start:end]),
        tuple(line[start:end]),
        tuple(tempo_map.place(frame) for frame in around),
        tuple(selection.melody and f in frames and f not in kept for f in around),
        tuple(selection.chords and f in frames for f in around),
        wish.share,
        wish.temperature,
        allowed_chords(wish.palette, wish.key),
        wish.key,
        conditions.style,
        settings.density,
        start,
    )


@dataclass(frozen=True, slots=True)
class Patch:
    """What is laid over some frames of a take; outside of them all stays as it is.

    melody: the player's notes that begin and end there, None where they stay. chords: of each of
    the frames, None where they stay; band: what it plays to them, by part.
    """

    frames: range
    melody: tuple[Note, ...] | None
    chords: tuple[ChordState, ...] | None
    band: Mapping[str, tuple[Note, ...]]

    def on(self, take: Take) -> Take:
        """The take with it."""
        if self.melody is not None:
            kept = [note for note in take.parts.get("player", ()) if stays(note, self.frames)]
            notes = sorted([*kept, *self.melody], key=lambda note: (note.start_frame, note.pitch))
            take = replace(take, parts={**take.parts, "player": tuple(notes)})
        if self.chords is not None:
            take = _with_part_of_band(
                with_line(take, self.frames, self.chords), self.frames, self.band
            )
        return take


def patch_of(
    take: Take, gap: Gap, selection: Selection, filling: Filling, settings: JamSettings, seed: int
) -> Patch:
    """A gap's filling in place of what was selected; the band plays new chords in its style, seed
    and touch. take: what lies around the selection is enough of it."""
    frames = selection.frames(take.tempo_map)
    melody = chords = None
    band: Mapping[str, tuple[Note, ...]] = {}
    if selection.melody:
        melody = _new_melody(take, frames, filling, gap.first_frame, seed)
        take = Patch(frames, melody, None, {}).on(take)
    if selection.chords:
        first = frames.start - gap.first_frame
        chords = filling.chords[first : first + len(frames)]
        band = band_of(with_line(take, frames, chords), frames, settings, seed)
    return Patch(frames, melody, chords, band)


def _new_melody(
    take: Take, frames: range, filling: Filling, first_frame: int, seed: int
) -> tuple[Note, ...]:
    """The filling's notes in some frames, as early, late and loud as the player's."""
    player = take.parts.get("player", ())
    kept = [note for note in player if stays(note, frames)]
    models = _by_column(player, take.tempo_map)
    new: list[Note] = []
    taken = {
        frame
        for note in kept
        for frame in range(nearest_frame(note.start_frame), nearest_frame(note.end_frame))
    }
    start: int | None = None
    pitch: int | None = None
    for frame in range(frames.start, frames.stop + 1):
        free = frame < frames.stop and frame not in taken
        state = filling.melody[frame - first_frame] if free else REST
        if start is not None and (state.onset or state.pitch != pitch):
            assert pitch is not None
            new.append(_as_played(pitch, start, frame, take.tempo_map, models, seed))
            start = None
        if state.pitch is not None and start is None:
            start, pitch = frame, state.pitch
    return tuple(new)


_Models = Mapping[int, Sequence[tuple[float, int]]]


def _by_column(notes: Sequence[Note], tempo_map: TempoMap) -> _Models:
    """(how late, velocity) of notes by their frame in the beat."""
    found: dict[int, list[tuple[float, int]]] = {}
    for note in notes:
        frame = nearest_frame(note.start_frame)
        place = tempo_map.place(frame)
        column = place.frame_in_bar % place.meter.frames_per_beat
        found.setdefault(column, []).append((note.start_frame - frame, note.velocity))
    return found


def _as_played(
    pitch: int, start: int, end: int, tempo_map: TempoMap, models: _Models, seed: int
) -> Note:
    place = tempo_map.place(start)
    column = place.frame_in_bar % place.meter.frames_per_beat
    late, velocity = 0.0, _USUAL_VELOCITY + _ACCENTS[place.strength]
    if there := models.get(column) or models.get(0):
        late, velocity = there[int(dice(seed, 61, start) * len(there))]
    early_limit = 0.0 if place.frame_in_bar == 0 else late
    position = start + (late if late > 0 else early_limit)
    return Note(position, max(float(end), position + 0.5), pitch, velocity, "player")


def with_chords(
    take: Take,
    frames: range,
    chords: Sequence[ChordState],
    settings: JamSettings,
    seed: int,
    strikes: bool = True,
) -> Take:
    """Other chords in some frames, and what the band makes of them, as `with_line`."""
    return with_band(with_line(take, frames, chords, strikes), frames, settings, seed)


def with_line(
    take: Take, frames: range, chords: Sequence[ChordState], strikes: bool = True
) -> Take:
    """Other chords, one for each of some frames, and not yet what the band makes of them. The first
    begins, or (strikes False) goes on where it is the one before."""
    line = _chord_line(take, frames.stop)
    line[frames.start : frames.stop] = chords
    first = line[frames.start]
    before = line[frames.start - 1].chord if frames.start else None
    if first.chord is not None and (strikes or first.chord != before):
        line[frames.start] = replace(first, onset=True)
    if frames.stop < len(line):
        after = line[frames.stop]
        begins = after.chord is not None and after.chord != line[frames.stop - 1].chord
        line[frames.stop] = replace(after, onset=after.onset or begins)
    symbols = tuple((frame, text) for frame, text in take.symbols if frame not in frames)
    return replace(take, chords=tuple(line), symbols=symbols)


def with_band(take: Take, frames: range, settings: JamSettings, seed: int) -> Take:
    """What the band plays in some frames, anew for the chords that stand there."""
    return _with_part_of_band(take, frames, band_of(take, frames, settings, seed))


def _with_part_of_band(take: Take, frames: range, new: Mapping[str, tuple[Note, ...]]) -> Take:
    parts = dict(take.parts)
    for part in BAND:
        notes = _spliced(take.parts.get(part, ()), new.get(part, ()), frames)
        if notes or part in parts:
            parts[part] = notes
    return replace(take, parts=parts)


def _spliced(old: Sequence[Note], new: Sequence[Note], frames: range) -> tuple[Note, ...]:
    """The notes of a part with others in some frames."""
    found = list(new)
    for note in old:
        if note.start_frame >= frames.stop or note.end_frame <= frames.start:
            found.append(note)
        elif note.start_frame < frames.start:
            found.append(replace(note, end_frame=float(frames.start)))
        if note.start_frame < frames.stop and note.end_frame >= frames.stop + 1:
            found.append(replace(note, start_frame=float(frames.stop)))
    return tuple(sorted(found, key=lambda note: (note.start_frame, note.pitch)))


def band_of(
    take: Take, frames: range, settings: JamSettings, seed: int
) -> dict[str, tuple[Note, ...]]:
    """What the band plays in some frames, by part, with the touch that the player has there."""
    tempo_map = take.tempo_map
    touch, level = _touch(take, frames.start)
    bar = tempo_map.place(frames.start).bar
    first = tempo_map.bar_start(max(0, bar - _LEAD_IN_BARS))
    beyond = frames.stop + tempo_map.meter_at(frames.stop).frames_per_bar
    arrangement = Arrangement(
        ((0, playable_style(settings.accompaniment)),),
        touch,
        settings.bass,
        settings.drums,
        seed,
        settings.feel,
        levels=((0, level),),
    )
    line = take.chords[:beyond]
    played = accompany(line, tempo_map, arrangement, Memory(), first, len(line), {})
    found: dict[str, list[Note]] = {}
    for n in sorted(played.notes, key=lambda n: (n.start_frame, n.pitch)):
        if frames.start <= n.start_frame < frames.stop:
            end = min(n.end_frame, float(frames.stop))
            found.setdefault(n.part, []).append(
                Note(n.start_frame, end, n.pitch, n.velocity, n.part)
            )
    return {part: tuple(notes) for part, notes in found.items()}


def with_performance(take: Take, frames: range, settings: JamSettings, seed: int) -> Take:
    """The band's notes of some frames as they are, with timing and velocities of another
    performance: each a little earlier or later, softer or louder."""
    style = playable_style(settings.accompaniment)
    parts = dict(take.parts)
    for part in BAND:
        hand = style.feel.hands.get(part)
        if hand is None or not parts.get(part):
            continue
        parts[part] = tuple(
            _performed(note, hand, take.tempo_map, settings.feel, seed)
            if frames.start <= note.start_frame < frames.stop
            else note
            for note in parts[part]
        )
    return replace(take, parts=parts)


def _performed(note: Note, hand: Hand, tempo_map: TempoMap, feel: float, seed: int) -> Note:
    frame = math.floor(note.start_frame)
    place, bpm = tempo_map.place(frame), tempo_map.bpm_at(frame)
    late_ms, accent = _FREER * hand.late_ms_spread, _FREER * hand.accent_spread
    freer = replace(hand, late_ms_spread=late_ms, accent_spread=accent)
    velocity = note.velocity
    draft = Draft(note.part, note.pitch, velocity, float(frame), note.end_frame, late_ms=_MIDDLE_MS)
    old, new = (
        played(draft, freer, place.frame_in_bar, place.meter, bpm, feel, which)
        for which in (seed, seed + 1)
    )
    by = new.start_frame - old.start_frame
    start = min(max(note.start_frame + by, float(frame)), frame + 1 - MIN_FRAMES)
    velocity = max(1, min(127, velocity + new.velocity - old.velocity))
    end = max(note.end_frame + (start - note.start_frame), start + MIN_FRAMES)
    return replace(note, start_frame=start, end_frame=end, velocity=velocity)


def _touch(take: Take, frame: int) -> tuple[Touch, int]:
    """How the band plays at a frame, after what the player played before it (or, at the start,
    in the bars after it); and how full."""
    presence, tempo_map = Presence(), take.tempo_map
    player = take.parts.get("player", ())
    before = [note for note in player if note.start_frame < frame]
    for position, _, pitch, velocity in key_strokes(before or player[:16]):
        if velocity:
            presence.note_on(position, pitch, velocity)
    if before:
        presence.last_heard_frame = math.ceil(max(note.end_frame for note in before[-8:]))
    meter = tempo_map.meter_at(frame)
    touch = Touch(
        band_velocity(presence.loudness), presence.thin(frame, meter), presence.room(frame, meter)
    )
    return touch, presence.level(1)
