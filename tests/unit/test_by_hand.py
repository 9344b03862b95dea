"""Takes edited by hand: what is asked for changes, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.messages.notes import Note
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap, nearest_frame
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.by_hand import (
    added,
    chord_span,
    chord_written,
    chords_deleted,
    chords_moved,
    chords_transposed,
    moved,
    notes_changed,
    notes_near,
    quantised,
    read_chord,
    stretched,
    transposed,
)
from jam.performance.rewriting import BAND, with_band, with_performance
from jam.performance.take import Take
from jam.settings import JamSettings
from tests.support.examples import examples

SETTINGS = JamSettings(bpm=100.0, accompaniment="pop")
C, F, G = Chord(0, "maj"), Chord(5, "maj"), Chord(7, "7")


def some_take() -> Take:
    tempo_map = TempoMap.constant(100.0, Meter())
    line = [NO_CHORD] * 16
    for chord in (C, F, G, C):
        line += [ChordState(chord, True), *[ChordState(chord, False)] * 15]
    player = tuple(
        Note(f + 0.2, f + 3.0, 60 + f % 7, 70 + f % 9, "player") for f in range(0, 80, 4)
    )
    take = Take(tempo_map, {"player": player}, tuple(line))
    return with_band(take, range(16, 80), SETTINGS, 3)


def chords(take: Take) -> list[tuple[int, Chord | None]]:
    return [(f, s.chord) for f, s in enumerate(take.chords) if s.onset]


def test_notes_are_moved_stretched_added_and_deleted() -> None:
    take = some_take()
    at = take.tempo_map.seconds_at
    (note,) = notes_near(take, [("player", 60, at(0.3))])
    for new in (moved(note, 2.0, 5), moved(note, -9.0, -200), stretched(note, -4.0)):
        changed = notes_changed(take, [note], {note: new}.get)
        assert set(changed.parts["player"]) ^ set(take.parts["player"]) == {note, new}
        assert 0 <= new.pitch <= 127 and new.start_frame >= 0 and new.end_frame > new.start_frame
        assert replace(changed, parts=take.parts) == take
    assert note not in notes_changed(take, [note], lambda _: None).parts["player"]
    with pytest.raises(BadInput):
        notes_changed(take, [moved(note, 1.0)], lambda _: None)
    with pytest.raises(BadInput):
        notes_near(take, [("player", 3, 0.0)])
    another = Note(33.0, 36.0, 50, 60, "player")
    assert another in added(take, another).parts["player"]


@given(st.floats(0, 1), st.sampled_from((1, 2, 4)), st.integers(0, 60))
@examples(40)
def test_quantised_notes_lie_as_near_to_the_grid_as_asked(
    strength: float, grid: int, first: int
) -> None:
    take, frames = some_take(), range(first, first + 20)
    new = quantised(take, frames, strength, grid)
    for old, note in zip(take.parts["player"], new.parts["player"], strict=True):
        if nearest_frame(old.start_frame) not in frames:
            assert note == old
            continue
        off = old.start_frame - grid * nearest_frame(old.start_frame / grid)
        left = note.start_frame - grid * nearest_frame(old.start_frame / grid)
        assert abs(left - (1 - strength) * off) < 1e-9
        assert abs((note.end_frame - note.start_frame) - (old.end_frame - old.start_frame)) < 1e-9


def test_transposed_there_and_back() -> None:
    take, frames = some_take(), range(32, 64)
    up = transposed(take, frames, 5, SETTINGS, 3)
    assert chords(up) == [(16, C), (32, Chord(10, "maj")), (48, Chord(0, "7")), (64, C)]
    assert transposed(up, frames, -5, SETTINGS, 3).parts["player"] == take.parts["player"]
    assert transposed(take, frames, 5, SETTINGS, 3, "melody").chords == take.chords
    assert (
        transposed(take, frames, 5, SETTINGS, 3, "chords").parts["player"] == (take.parts["player"])
    )


def test_chords_are_written_moved_and_deleted() -> None:
    take = some_take()
    assert chord_span(take, 40) == range(32, 48) and chord_span(take, 3) == range(16)
    written = chord_written(take, range(40, 48), read_chord("Dm7"), SETTINGS, 3)
    assert chords(written) == [(16, C), (32, F), (40, Chord(2, "min7")), (48, G), (64, C)]
    assert chords(chords_moved(take, [48], -8, SETTINGS, 3)) == [(16, C), (32, F), (40, G), (64, C)]
    assert chords(chords_moved(take, [48], 4, SETTINGS, 3))[2] == (52, G)
    gone = chords_deleted(take, [50], SETTINGS, 3)
    assert chords(gone) == [(16, C), (32, F), (64, C)] and gone.chords[50].chord == F
    assert (
        chord_written(take, range(32, 48), read_chord("N.C."), SETTINGS, 3).chords[40] == NO_CHORD
    )
    for edited, first, last in ((written, 40, 48), (gone, 48, 64)):
        for part in BAND:
            notes = take.parts.get(part, ())
            elsewhere = {n for n in notes if n.end_frame <= first or n.start_frame >= last}
            assert elsewhere <= set(edited.parts.get(part, ()))
    with pytest.raises(BadInput, match="Dm7"):
        read_chord("Qx9")
    with pytest.raises(BadInput, match="no chords"):
        chord_span(take, 500)


def test_another_performance_has_the_same_notes_elsewhere_by_a_little() -> None:
    take = some_take()
    new = with_performance(take, range(16, 48), SETTINGS, 5)
    assert new != take and new.chords == take.chords
    for part in BAND:
        for old, note in zip(take.parts.get(part, ()), new.parts.get(part, ()), strict=True):
            assert old.pitch == note.pitch and int(old.start_frame) == int(note.start_frame)
            if old.start_frame >= 48:
                assert old == note


def test_several_notes_are_changed_at_once_and_no_other() -> None:
    take = some_take()
    at = take.tempo_map.seconds_at
    band = take.parts["chords"][:2]
    chosen = [*take.parts["player"][2:6], *band]
    wanted = [(note.part, note.pitch, at(note.start_frame)) for note in chosen]
    assert notes_near(take, wanted) == chosen
    new = notes_changed(take, chosen, lambda note: moved(note, 1.0, -2))
    before = {note for notes in take.parts.values() for note in notes}
    after = {note for notes in new.parts.values() for note in notes}
    assert before - after == set(chosen)
    assert after - before == {moved(note, 1.0, -2) for note in chosen}
    twice = notes_near(take, [wanted[0], wanted[0]])
    assert len(set(twice)) == 2  # never one note twice
    on_grid = quantised(take, range(0), 1.0, 1, chosen[:2]).parts["player"]
    assert sum(note.start_frame == int(note.start_frame) for note in on_grid) == 2


def test_several_chords_are_changed_and_the_band_elsewhere_plays_as_before() -> None:
    take = some_take()
    up = chords_transposed(take, [16, 48], 2, SETTINGS, 3)
    assert chords(up) == [(16, Chord(2, "maj")), (32, F), (48, Chord(9, "7")), (64, C)]
    for part in BAND:
        inside = [n for n in take.parts.get(part, ()) if 32 <= n.start_frame < 48]
        assert inside == [n for n in up.parts.get(part, ()) if 32 <= n.start_frame < 48]
    assert chords(chords_moved(take, [32, 48], 4, SETTINGS, 3)) == [
        (16, C), (36, F), (52, G), (64, C),
    ]  # fmt: skip
    assert chords(chords_moved(take, [32, 48], -99, SETTINGS, 3)) == [(0, F), (1, G), (64, C)]
    assert chords(chords_deleted(take, [32, 48], SETTINGS, 3)) == [(16, C), (64, C)]
