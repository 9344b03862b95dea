"""From chords to notes: voicing, strikes, and that nothing committed moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import (
    BASS_RANGE,
    VOICES_RANGE,
    Voicing,
    accompany,
    metronome,
    strikes,
    voice,
)
from jam.grid import METERS, Meter, TempoMap
from jam.harmony import QUALITY_NAMES, Chord
from jam.rows import NO_CHORD, ChordState

chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITY_NAMES))
meters = st.sampled_from(METERS).map(Meter.parse)


@st.composite
def lines(draw: st.DrawFn, max_spans: int = 12) -> list[ChordState]:
    """A line of chord states with chords and rests of random lengths."""
    line: list[ChordState] = []
    for chord, length in draw(
        st.lists(st.tuples(st.none() | chords, st.integers(1, 24)), min_size=1, max_size=max_spans)
    ):
        if chord is None:
            line += [NO_CHORD] * length
        else:
            line += [ChordState(chord, True)] + [ChordState(chord, False)] * (length - 1)
    return line


@given(st.lists(chords, min_size=1, max_size=20))
def test_voicings_are_in_range_spaced_and_of_the_chord(sequence: list[Chord]) -> None:
    before: Voicing | None = None
    for chord in sequence:
        voicing = voice(chord, before)
        bass, *upper = voicing
        assert bass % 12 == chord.root and BASS_RANGE[0] <= bass < BASS_RANGE[1]
        assert len(upper) == 3 and len(set(upper)) == 3
        assert all(VOICES_RANGE[0] <= pitch <= VOICES_RANGE[1] for pitch in upper)
        assert {pitch % 12 for pitch in voicing} <= set(chord.pitch_classes)
        if len(chord.pitch_classes) > 3:  # third and seventh are what tells the chord
            guides = {chord.pitch_classes[1], chord.pitch_classes[3]}
            assert guides <= {pitch % 12 for pitch in upper}
        assert voice(chord, before) == voicing
        before = voicing


@given(st.lists(chords, min_size=2, max_size=20))
def test_voices_move_little(sequence: list[Chord]) -> None:
    before = voice(sequence[0], None)
    for chord in sequence[1:]:
        after = voice(chord, before)
        moved = sum(abs(a - b) for a, b in zip(after[1:], before[1:], strict=True))
        assert moved <= 16
        before = after


@given(line=lines(), meter=meters)
def test_strikes_cover_the_chords_and_never_cross_a_bar_line(
    line: list[ChordState], meter: Meter
) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    sounding: dict[int, Chord] = {}
    for strike in strikes(line, 0, tempo_map):
        assert strike.end_frame > strike.frame
        bars = {tempo_map.place(f).bar for f in range(strike.frame, strike.end_frame)}
        assert len(bars) == 1
        for frame in range(strike.frame, strike.end_frame):
            assert frame not in sounding
            sounding[frame] = strike.chord
    for frame, state in enumerate(line):
        assert sounding.get(frame) == state.chord
    # After the line's end the last chord rests at the next bar line.
    assert max(sounding, default=-1) < tempo_map.next_bar_frame(len(line))


@given(line=lines(), other=lines(), meter=meters, data=st.data())
def test_notes_in_committed_frames_never_change(
    line: list[ChordState], other: list[ChordState], meter: Meter, data: st.DataObject
) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    committed = data.draw(st.integers(0, len(line)))
    notes, voicings = accompany(line, 0, tempo_map, {}, {}, 70, committed, {})
    kept = {f: v for f, v in voicings.items() if f < committed}
    loud = dict.fromkeys(kept, 70)
    revised = line[:committed] + other
    again, _ = accompany(revised, 0, tempo_map, kept, loud, 110, committed, {})
    now = {note.note_id: note for note in again}
    for note in notes:
        if note.start_frame < committed:
            later = now[note.note_id]
            assert (later.pitch, later.velocity, later.start_frame) == (
                note.pitch, note.velocity, note.start_frame,
            )  # fmt: skip
            # What ends within the committed frames ends there still.
            if note.end_frame < committed:
                assert later.end_frame == note.end_frame
            assert later.committed
    ids = [note.note_id for note in again]
    assert len(ids) == len(set(ids))


@given(meters)
def test_the_metronome_clicks_each_beat_and_accents_the_bar_line(meter: Meter) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    clicks = metronome(tempo_map, -meter.frames_per_bar, 2 * meter.frames_per_bar)
    assert len(clicks) == 3 * meter.beats_per_bar
    for click in clicks:
        accented = click.start_frame % meter.frames_per_bar == 0
        assert (click.velocity > 100) == accented
