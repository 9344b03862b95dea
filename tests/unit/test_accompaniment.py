"""From chords to notes: voicing, every style in every metre, and that nothing committed moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import (
    BASS_RANGE,
    MIN_FRAMES,
    VOICES_RANGE,
    Arrangement,
    Memory,
    Realisation,
    Style,
    Touch,
    Voicing,
    accompany,
    all_styles,
    metronome,
    style_named,
    voice,
)
from jam.accompaniment.feel import place_of
from jam.accompaniment.notes import METRONOME_KEYS
from jam.accompaniment.styles import DRUMS
from jam.messages.notes import PlannedNote
from jam.music.chord import Chord
from jam.music.grid import METERS, Meter, TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.presence import HIGHEST_ROOM, LOWEST_ROOM
from jam.settings import CLICKS, METRONOME_SOUNDS
from tests.support.examples import examples
from tests.support.strategies import chords, tempo_maps

STYLES, _ = all_styles()
meters = st.sampled_from(METERS).map(Meter.parse)
styles = st.sampled_from(STYLES)
rooms = st.integers(LOWEST_ROOM, HIGHEST_ROOM)
touches = st.builds(Touch, st.integers(1, 127), st.integers(0, 2), rooms)
feels = st.sampled_from((0.0, 0.5, 1.0)) | st.floats(0.0, 1.0)
RANGES = {
    "chords": range(BASS_RANGE[0], VOICES_RANGE[1] + 1),
    "bass": range(*BASS_RANGE),
    "drums": DRUMS.values(),
}


@st.composite
def lines(draw: st.DrawFn, min_spans: int = 1, max_spans: int = 12) -> list[ChordState]:
    """A line of chord states with chords and rests of random lengths."""
    line: list[ChordState] = []
    for chord, length in draw(
        st.lists(
            st.tuples(st.none() | chords, st.integers(1, 24)),
            min_size=min_spans,
            max_size=max_spans,
        )
    ):
        if chord is None:
            line += [NO_CHORD] * length
        else:
            line += [ChordState(chord, True)] + [ChordState(chord, False)] * (length - 1)
    return line


@given(st.lists(st.tuples(chords, rooms), min_size=1, max_size=20))
def test_voicings_are_in_range_spaced_and_of_the_chord(sequence: list[tuple[Chord, int]]) -> None:
    before: Voicing | None = None
    for chord, room in sequence:
        voicing = voice(chord, before, room)
        bass, *upper = voicing
        assert bass % 12 == chord.root and bass in range(*BASS_RANGE)
        assert len(upper) == 3 and upper == sorted(set(upper))
        assert all(VOICES_RANGE[0] <= pitch <= VOICES_RANGE[1] for pitch in upper)
        assert {pitch % 12 for pitch in voicing} <= set(chord.pitch_classes)
        if len(chord.pitch_classes) > 3:  # third and seventh are what tells the chord
            guides = {chord.pitch_classes[1], chord.pitch_classes[3]}
            assert guides <= {pitch % 12 for pitch in upper}
        assert upper[2] - upper[0] <= 19
        assert upper[1] < room + 3  # one voice alone may come near the melody
        assert voice.__wrapped__(chord, before, room) == voicing
        before = voicing


@given(st.lists(chords, min_size=2, max_size=20))
def test_voices_move_little(sequence: list[Chord]) -> None:
    before = voice(sequence[0], None)
    moves = []
    for chord in sequence[1:]:
        after = voice(chord, before)
        moves.append(sum(abs(a - b) for a, b in zip(after[1:], before[1:], strict=True)))
        if chord.pitch_classes == ():
            assert after == before
        before = after
    assert max(moves) <= 18


def test_a_chord_that_comes_again_keeps_its_voicing_and_slash_basses_are_played() -> None:
    c = voice(Chord(0), None)
    assert voice(Chord(0), c) == c
    assert voice(Chord(0), c, bass=4)[0] % 12 == 4
    # C to Am: two voices stay, one moves by a step.
    moved = [abs(a - b) for a, b in zip(voice(Chord(9, "min"), c)[1:], c[1:], strict=True)]
    assert sorted(moved) == [0, 0, 2]


@st.composite
def asked(draw: st.DrawFn, arrangement: Arrangement, starts: Sequence[int]) -> Arrangement:
    """The same, and all that can be asked of a band in the bars that begin at `starts`."""
    some = st.sets(st.sampled_from(starts), max_size=4)
    steps = st.dictionaries(st.sampled_from(starts), st.integers(0, 2), max_size=3)
    names = draw(st.lists(st.sampled_from(("A", "B", "Chorus")), max_size=3))
    form = {
        start: PlaceInForm(names[i // 4 % len(names)], i % 4, 4 - i % 4, i // 12, i > 20)
        for i, start in enumerate(starts)
        if names
    }
    return replace(
        arrangement,
        variations=(*arrangement.variations, *sorted(draw(steps).items())),
        levels=(*arrangement.levels, *sorted(draw(steps).items())),
        fills=arrangement.fills | draw(some),
        breaks=arrangement.breaks | draw(some),
        intros=tuple(sorted({*arrangement.intros, *draw(some)})),
        finals=arrangement.finals | draw(some),
        form={**arrangement.form, **form},
    )


def bar_starts(tempo_map: TempoMap, first: int, end: int) -> list[int]:
    """Of the bars from the first whole one on."""
    starts = [tempo_map.next_bar_frame(first)]
    while starts[-1] < end:
        starts.append(tempo_map.next_bar_frame(starts[-1] + 1))
    return starts


@given(
    line=lines(),
    tempo_map=tempo_maps(),
    style=styles,
    touch=touches,
    feel=feels,
    seed=st.integers(0, 99),
    data=st.data(),
)
@examples(60)
def test_notes_of_all_that_can_be_asked_of_a_band(
    line: list[ChordState],
    tempo_map: TempoMap,
    style: Style,
    touch: Touch,
    feel: float,
    seed: int,
    data: st.DataObject,
) -> None:
    arrangement = Arrangement(((0, style),), touch, seed=seed, feel=feel)
    starts = [0, *bar_starts(tempo_map, 1, len(line))]
    arrangement = data.draw(asked(arrangement, starts))
    notes = realise(line, tempo_map, arrangement).notes
    check_notes(notes, line, tempo_map)
    assert notes == realise(line, tempo_map, arrangement).notes


def realise(
    line: Sequence[ChordState],
    tempo_map: TempoMap,
    arrangement: Arrangement,
    memory: Memory | None = None,
    from_frame: int = 0,
) -> Realisation:
    return accompany(line, tempo_map, arrangement, memory or Memory(), from_frame, from_frame, {})


def chord_end(line: Sequence[ChordState], frame: int, tempo_map: TempoMap) -> int:
    """Where the chord that sounds at `frame` has to end."""
    end = frame + 1
    while end < len(line) and line[end].chord == line[frame].chord and not line[end].onset:
        end += 1
    return end if end < len(line) else tempo_map.next_bar_frame(len(line))


def check_notes(
    notes: Sequence[PlannedNote], line: Sequence[ChordState], tempo_map: TempoMap
) -> None:
    """What holds of all that is ever played."""
    ids = [note.note_id for note in notes]
    assert len(ids) == len(set(ids))
    ends: dict[tuple[str, int], float] = {}
    for note in sorted(notes, key=lambda n: n.start_frame):
        assert note.pitch in RANGES[note.part] and 1 <= note.velocity <= 127
        chord = line[int(note.start_frame)].chord
        assert chord is not None
        if note.part == "chords":
            assert note.pitch % 12 in chord.pitch_classes
        assert note.end_frame - note.start_frame >= MIN_FRAMES
        assert note.end_frame <= chord_end(line, int(note.start_frame), tempo_map)
        key = (note.part, note.pitch)
        assert ends.get(key, -1.0) <= note.start_frame
        ends[key] = note.end_frame


@given(
    line=lines(),
    tempo_map=tempo_maps(),
    style=styles,
    touch=touches,
    bass=st.booleans(),
    drums=st.booleans(),
    seed=st.integers(0, 99),
    feel=feels,
    finals=st.sets(st.integers(0, 50)),
)
def test_notes_of_every_style(
    line: list[ChordState],
    tempo_map: TempoMap,
    style: Style,
    touch: Touch,
    bass: bool,
    drums: bool,
    seed: int,
    feel: float,
    finals: set[int],
) -> None:
    arrangement = Arrangement(((0, style),), touch, bass, drums, seed, feel, frozenset(finals))
    notes = realise(line, tempo_map, arrangement).notes
    check_notes(notes, line, tempo_map)
    assert notes == realise(line, tempo_map, arrangement).notes
    parts = {note.part for note in notes}
    assert bass or "bass" not in parts
    assert drums or "drums" not in parts
    # The bass tells every chord when it comes; without one the chords have its notes.
    for frame, state in enumerate(line):
        if bass and state.onset and state.chord is not None:
            starts = [n for n in notes if n.part == "bass" and int(n.start_frame) == frame]
            assert [n.pitch % 12 for n in starts] == [state.chord.root]


@given(
    line=lines(),
    others=st.lists(st.tuples(lines(), styles, touches), min_size=1, max_size=4),
    meter=meters,
    feel=feels,
    data=st.data(),
)
def test_notes_in_committed_frames_never_change(
    line: list[ChordState],
    others: list[tuple[list[ChordState], Style, Touch]],
    meter: Meter,
    feel: float,
    data: st.DataObject,
) -> None:
    """Plan after plan, each with another future, another style, another touch."""
    tempo_map = TempoMap.constant(100.0, meter)
    arrangement = Arrangement(((0, STYLES[0]),), feel=feel)
    memory, committed = Memory(), 0
    realised = realise(line, tempo_map, arrangement)
    began: dict[int, PlannedNote] = {}
    for other, style, touch in others:
        committed = data.draw(st.integers(committed, len(line)))
        memory.keep(realised.notes, realised.drafts, realised.voicings, committed, -1)
        for note in realised.notes:
            if note.start_frame < committed:
                began[note.note_id] = note
        line = line[:committed] + other
        bar_line = tempo_map.next_bar_frame(committed)
        arrangement = replace(
            arrangement, styles=(*arrangement.styles, (bar_line, style)), touch=touch
        )
        starts = bar_starts(tempo_map, committed, len(line))
        arrangement = data.draw(asked(arrangement, starts))
        realised = realise(line, tempo_map, arrangement, memory, committed)
        every = [*memory.ended.values(), *realised.notes]
        check_notes(every, line, tempo_map)
        now = {note.note_id: note for note in every}
        for i, note in began.items():
            later = now[i]
            assert (later.pitch, later.velocity, later.start_frame, later.part) == (
                note.pitch,
                note.velocity,
                note.start_frame,
                note.part,
            )
            # What ends within the committed frames ends there still.
            if note.end_frame < committed:
                assert later.end_frame == note.end_frame
            else:
                assert later.end_frame >= committed
        assert {n.note_id for n in every if n.start_frame < committed} == set(began)


@given(line=lines(), more=lines(), style=styles, meter=meters, feel=feels, data=st.data())
def test_what_is_realised_in_pieces_is_what_is_realised_at_once(
    line: list[ChordState],
    more: list[ChordState],
    style: Style,
    meter: Meter,
    feel: float,
    data: st.DataObject,
) -> None:
    """With nothing unexpected, the notes below the commit point are those of the whole."""
    tempo_map = TempoMap.constant(100.0, meter)
    arrangement = Arrangement(((0, style),), feel=feel)
    whole = line + more
    memory = Memory()
    committed = data.draw(st.integers(0, len(line)))
    first = realise(whole, tempo_map, arrangement)
    memory.keep(first.notes, first.drafts, first.voicings, committed, -1)
    again = realise(whole, tempo_map, arrangement, memory, committed)
    every = [*memory.ended.values(), *again.notes]
    if style.name != "swing":  # a walking line is walked on from the note where it is
        assert {(n.note_id, n.velocity, n.end_frame) for n in every} == {
            (n.note_id, n.velocity, n.end_frame) for n in first.notes
        }


@pytest.mark.parametrize("name", ["pop", "swing", "reggae", "piano"])
@pytest.mark.parametrize("early", [1, 2])
def test_a_chord_before_the_beat_is_held_over_it(name: str, early: int) -> None:
    change = 16 - early
    line = [ChordState(Chord(0), f == 0) for f in range(change)]
    line += [ChordState(Chord(7), f == 0) for f in range(16 + early)]
    notes = realise(
        line, TempoMap.constant(100.0, Meter()), Arrangement(((0, style_named(name)),))
    ).notes
    bass = [n for n in notes if n.part == "bass" and change <= n.start_frame <= 18]
    assert bass[0].start_frame // 1 == change and bass[0].pitch % 12 == 7
    assert all(n.start_frame != 16 for n in bass)
    chord = [n for n in notes if n.part == "chords" and n.start_frame >= change]
    if style_named(name).bars["4/4"]["chords"][0][change] != ".":
        assert int(chord[0].start_frame) == change
        assert all(n.start_frame != 16 for n in chord if n.start_frame > change)


def test_none_plays_each_chord_once_and_holds_it() -> None:
    line = [ChordState(Chord(0), f == 0) for f in range(40)]
    line += [ChordState(Chord(5), f == 0) for f in range(6)]
    notes = realise(
        line, TempoMap.constant(100.0, Meter()), Arrangement(((0, style_named("none")),))
    ).notes
    assert {(n.start_frame, n.end_frame) for n in notes} == {(0, 40), (40, 48)}
    assert len(notes) == 8


def test_swing_is_late_off_the_beat_and_straight_when_it_is_fast() -> None:
    line = [ChordState(Chord(0), f == 0) for f in range(32)]

    def off_beats(bpm: float, name: str) -> set[float]:
        notes = realise(
            line, TempoMap.constant(bpm, Meter()), Arrangement(((0, style_named(name)),))
        ).notes
        return {round(n.start_frame % 4, 3) for n in notes} - {0.0}

    assert off_beats(120.0, "swing") == {2.667}
    assert off_beats(300.0, "swing") <= {2.0}
    assert off_beats(120.0, "pop") <= {1.0, 2.0, 3.0}


def test_a_place_in_the_bar_is_that_of_a_bar_in_four_it_is_most_like() -> None:
    assert [place_of(Meter(4, 4), column) for column in range(16)] == list(range(16))
    assert [place_of(Meter(3, 4), 4 * beat) for beat in range(3)] == [0, 4, 12]
    for text in METERS:
        meter = Meter.parse(text)
        places = [place_of(meter, column) for column in range(meter.frames_per_bar)]
        assert places[0] == 0 and set(places) <= set(range(16))


def test_with_feel_the_band_leaves_the_grid_within_its_frames_and_the_seed_pins_it() -> None:
    line = [ChordState(Chord(f // 16 * 5 % 12), f % 16 == 0) for f in range(16 * 32)]
    tempo_map = TempoMap.constant(100.0, Meter())

    def notes(feel: float, seed: int = 0) -> tuple[PlannedNote, ...]:
        arrangement = Arrangement(((0, style_named("held")),), seed=seed, feel=feel)
        found = realise(line, tempo_map, arrangement).notes
        return tuple(sorted(found, key=lambda n: (int(n.start_frame), n.part, n.pitch)))

    machine, half, whole = notes(0.0), notes(0.5), notes(1.0)
    assert half == notes(0.5) != notes(0.5, 1)
    assert {n.start_frame % 1 for n in machine} == {0.0}
    for one, loose in zip(machine, whole, strict=True):
        assert (one.part, one.pitch) == (loose.part, loose.pitch)
        assert 0 <= loose.start_frame - one.start_frame <= 1 - MIN_FRAMES
    late = [[n.start_frame % 1 for n in played] for played in (machine, half, whole)]
    assert sum(late[0]) < sum(late[1]) < sum(late[2])
    assert len({n.velocity for n in machine}) < len({n.velocity for n in whole})


def test_a_bass_that_walks_as_bassists_do_says_each_chord_and_stays_near() -> None:
    line = [ChordState(Chord(f // 16 * 5 % 12, "7"), f % 16 == 0) for f in range(16 * 64)]
    arrangement = Arrangement(((0, style_named("swing")),), drums=False, feel=1.0)
    notes = realise(line, TempoMap.constant(140.0, Meter()), arrangement).notes
    bass = sorted((n for n in notes if n.part == "bass"), key=lambda n: n.start_frame)
    assert len(bass) == 4 * 64
    for note in bass[::4]:
        chord = line[int(note.start_frame)].chord
        assert chord is not None and note.pitch % 12 == chord.root
    leaps = [abs(b.pitch - a.pitch) for a, b in pairwise(bass)]
    assert max(leaps) <= 12 and len(set(leaps)) > 5
    bars = {tuple(n.pitch - bass[i].pitch for n in bass[i : i + 4]) for i in range(0, 256, 4)}
    assert len(bars) > 32


@pytest.mark.parametrize("part", ["chords", "bass", "drums"])
@pytest.mark.parametrize("name", [s.name for s in STYLES if s.textures or s.grooves])
def test_where_people_played_no_bar_comes_twice(name: str, part: str) -> None:
    line = [ChordState(Chord(0), f % 16 == 0) for f in range(16 * 64)]
    arrangement = Arrangement(((0, style_named(name)),), feel=0.5, seed=4)
    notes = realise(line, TempoMap.constant(110.0, Meter()), arrangement).notes
    bars: list[list[tuple[float, int, int]]] = [[] for _ in range(64)]
    for note in notes:
        if note.part == part:
            start = note.start_frame
            bars[int(start) // 16].append((start % 16, note.pitch, note.velocity))
    assert len({tuple(sorted(bar)) for bar in bars if bar}) == len([bar for bar in bars if bar])
    style = style_named(name)
    if (part == "chords" and style.textures) or (part == "drums" and style.grooves):
        rhythms = {tuple(sorted({int(start) for start, _, _ in bar})) for bar in bars}
        assert len(rhythms) >= 8


@examples(12)
@given(
    style=styles, meter=st.sampled_from([Meter(), Meter(3, 4), Meter(6, 8)]), seed=st.integers(0)
)
def test_no_bar_comes_twice_unless_the_style_says_so(style: Style, meter: Meter, seed: int) -> None:
    """Over a loop of four chords no two bars in 32 have the same notes and accents."""
    length = meter.frames_per_bar
    chords = [Chord(root) for root in (0, 5, 10, 7)]
    line = [ChordState(chords[f // length % 4], f % length == 0) for f in range(32 * length)]
    arrangement = Arrangement(((0, style),), feel=0.001, seed=seed)  # too little to be a change
    notes = realise(line, TempoMap.constant(100.0, meter), arrangement).notes
    bars: list[set[tuple[str, int, int, int]]] = [set() for _ in range(32)]
    for note in notes:
        frame = int(note.start_frame)
        bars[frame // length].add((note.part, frame % length, note.pitch, note.velocity))
    distinct = len({frozenset(bar) for bar in bars})
    assert style.repeats == style.parts or distinct == 32, distinct


@pytest.mark.parametrize("name", [s.name for s in STYLES if s.textures or s.grooves])
def test_a_higher_level_is_fuller(name: str) -> None:
    line = [ChordState(Chord(f // 16 * 5 % 12), f % 16 == 0) for f in range(16 * 128)]

    def onsets(level: int, part: str) -> int:
        arrangement = Arrangement(((0, style_named(name)),), feel=0.5, levels=((0, level),))
        notes = realise(line, TempoMap.constant(110.0, Meter()), arrangement).notes
        return len({int(n.start_frame) for n in notes if n.part == part})

    for part, there in (
        ("chords", style_named(name).textures),
        ("drums", style_named(name).grooves),
    ):
        if there:
            assert onsets(0, part) < onsets(1, part) < onsets(2, part)


@given(meters, styles, feels)
def test_thinner_is_fewer(meter: Meter, style: Style, feel: float) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    line = [ChordState(Chord(0), f == 0) for f in range(8 * meter.frames_per_bar)]
    counts = [
        len(realise(line, tempo_map, Arrangement(((0, style),), Touch(64, thin), feel=feel)).notes)
        for thin in (0, 1, 2)
    ]
    assert counts[0] >= counts[1] >= counts[2] > 0


def test_a_new_style_begins_at_its_bar_line() -> None:
    line = [ChordState(Chord(0), f == 0) for f in range(64)]
    arrangement = Arrangement(((0, style_named("held")), (32, style_named("pop"))))
    notes = realise(line, TempoMap.constant(100.0, Meter()), arrangement).notes
    assert {n.start_frame for n in notes if n.start_frame < 32} == {0, 16}
    assert {n.part for n in notes if n.start_frame < 32} == {"chords", "bass"}
    assert {n.part for n in notes if n.start_frame >= 32} == {"chords", "bass", "drums"}


def test_fills_are_sparse_and_of_the_seed() -> None:
    line = [ChordState(Chord(0), f == 0) for f in range(16 * 64)]

    def fills(seed: int) -> set[int]:
        arrangement = Arrangement(((0, style_named("pop")),), seed=seed)
        notes = realise(line, TempoMap.constant(100.0, Meter()), arrangement).notes
        toms = {int(n.start_frame) // 16 for n in notes if n.pitch == DRUMS["low_tom"]}
        return {bar for bar in toms if bar >= 0}

    assert fills(1) == fills(1)
    assert len({frozenset(fills(seed)) for seed in range(8)}) > 1
    for seed in range(8):
        assert all(bar % 4 == 3 for bar in fills(seed))
        assert 4 <= len(fills(seed)) <= 14


@examples(20)
@given(meters, st.sampled_from(sorted(METRONOME_SOUNDS)), st.sampled_from(sorted(CLICKS)))
def test_the_metronome_clicks_where_it_is_asked_to(meter: Meter, sound: str, where: str) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    bar, beats = meter.frames_per_bar, meter.beats_per_bar
    clicks = metronome(tempo_map, -bar, bar, sound, where)
    count_in = [click for click in clicks if click.start_frame < 0]
    assert len(count_in) == beats and {c.pitch for c in clicks} <= set(METRONOME_KEYS[sound])
    whole = dict.fromkeys(("beats", "alternate", "fading"), beats)  # bar 0 has them all
    each = whole | {"bars": 1, "backbeat": beats // 2}
    assert len(clicks) - beats == each.get(where, beats * int(where) if where.isdigit() else 0)
    assert len({click.note_id for click in clicks}) == len(clicks)
    # Wherever one begins to look, the same clicks lie ahead: none is lost in mid-beat.
    for first in range(0, bar, 3):
        later = metronome(tempo_map, first, bar, sound, where)
        assert later == [click for click in clicks if click.start_frame >= first]


@examples(20)
@given(meters)
def test_the_metronome_clicks_each_beat_and_accents_the_bar_line(meter: Meter) -> None:
    tempo_map = TempoMap.constant(100.0, meter)
    clicks = metronome(tempo_map, -meter.frames_per_bar, 2 * meter.frames_per_bar)
    assert len(clicks) == 3 * meter.beats_per_bar
    for click in clicks:
        accented = click.start_frame % meter.frames_per_bar == 0
        assert (click.velocity > 100) == accented
