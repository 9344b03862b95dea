"""The melody line: nearest frames, topmost note, split point, held through short gaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.music.melody import MelodyTracker, held
from jam.music.rows import REST, MelodyState

THIRD = 1 / 3


def line(notes: list[tuple[int, float, float]], n_frames: int, split: int = 0) -> list[MelodyState]:
    """Play (pitch, on, off) positions in order of time, closing each frame at its middle."""
    events = sorted(
        [(on, 1, i, p) for i, (p, on, _) in enumerate(notes)]
        + [(off, 0, i, p) for i, (p, _, off) in enumerate(notes)]
    )
    tracker, states = MelodyTracker(), []
    for frame in range(n_frames):
        while events and events[0][0] < frame + 0.5:
            position, on, note_id, pitch = events.pop(0)
            if on:
                tracker.note_on(note_id, pitch, position)
            else:
                tracker.note_off(note_id, position)
        states.append(tracker.close(frame, split))
    return states


@given(late=st.floats(-0.49, THIRD), frame=st.integers(1, 20))
def test_a_note_up_to_a_third_late_counts_for_its_frame(late: float, frame: int) -> None:
    states = line([(60, frame + late, frame + late + 2)], frame + 6)
    assert states[frame] == MelodyState(60, True)
    assert states[:frame] == [REST] * frame
    assert states[frame + 1] == MelodyState(60, False)
    assert states[frame + 4 :] == [REST] * 2


def test_a_short_note_lasts_a_frame() -> None:
    assert line([(60, 2.1, 2.15)], 5) == [REST, REST, MelodyState(60, True), REST, REST]


def test_the_topmost_note_above_the_split_is_the_melody() -> None:
    notes = [(48, 0.0, 8.0), (64, 1.0, 3.0), (67, 1.0, 2.0)]
    pitches = [state.pitch for state in line(notes, 6)]
    assert pitches == [48, 67, 64, 48, 48, 48]
    assert [state.pitch for state in line(notes, 6, split=60)] == [None, 67, 64, None, None, None]


def test_a_repeated_note_starts_again() -> None:
    states = line([(60, 0.0, 1.9), (60, 2.0, 4.0)], 4)
    assert [state.onset for state in states] == [True, False, True, False]


def test_a_note_that_comes_after_its_frame_was_closed_is_not_lost() -> None:
    tracker = MelodyTracker()
    tracker.close(0)
    tracker.note_on(1, 60, 0.2)
    assert tracker.close(1) == MelodyState(60, True)
    with pytest.raises(ValueError, match="closed"):
        tracker.close(5)


@given(st.lists(st.tuples(st.integers(21, 108), st.floats(0, 30), st.floats(0.01, 8)), max_size=30))
def test_any_playing_gives_a_line_that_holds_together(
    notes: list[tuple[int, float, float]],
) -> None:
    states = line([(p, on, on + length) for p, on, length in notes], 40)
    played = {pitch for pitch, *_ in notes}
    before = REST
    for state in states:
        assert state.pitch is None or state.pitch in played
        assert state.pitch is not None or not state.onset
        if state.pitch is not None and not state.onset:
            assert before.pitch == state.pitch
        before = state


def in_beats(line: list[MelodyState]) -> list[MelodyState]:
    return held((state, 4) for state in line)


@given(
    st.lists(st.tuples(st.integers(48, 84), st.integers(1, 4)), min_size=1, max_size=20), st.data()
)
def test_however_short_the_notes_are_the_line_is_the_same(
    notes: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Onsets up to a beat apart, each key held for any part of the time to the next."""
    starts = [sum(step for _, step in notes[:i]) for i in range(len(notes))]
    end = starts[-1] + 1

    def played(lengths: list[int]) -> list[MelodyState]:
        keys = zip(starts, notes, lengths, strict=True)
        return line([(pitch, on, on + length) for on, (pitch, _), length in keys], end)

    legato = played([step for _, step in notes])
    assert in_beats(legato) == legato
    assert in_beats(played([data.draw(st.integers(1, step)) for _, step in notes])) == legato


def test_a_gap_of_more_than_a_beat_is_a_rest() -> None:
    heard = in_beats(line([(60, 0, 2), (62, 12, 14)], 14))
    assert [state.pitch for state in heard] == [60] * 6 + [None] * 6 + [62, 62]
    assert [i for i, state in enumerate(heard) if state.onset] == [0, 12]
    assert in_beats([REST] * 5) == [REST] * 5
