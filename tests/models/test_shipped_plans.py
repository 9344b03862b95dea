"""Plans of the shipped weights: incremental equals from scratch, however long the session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.music.grid import Meter, Place
from jam.music.rows import ChordState, MelodyState, Row, chord_of_class
from jam.settings import DENSITIES, STYLES, JamSettings
from models import predictor
from models.decoding.decoder import PIECE, Stack
from models.predictor import load_predictor
from tests.support.examples import examples
from tests.support.jamming import Jam
from tests.support.strategies import played_frames, usual_meters

LIVE, SCRATCH = load_predictor(), load_predictor()

changes: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda n: {"lookahead_beats": n}, st.integers(1, 6)),
    st.builds(lambda n: {"commit_beats": n}, st.integers(0, 4)),
    st.builds(lambda n: {"foresight_beats": n}, st.sampled_from([0, 2, 4, 8])),
    st.builds(lambda t: {"temperature": t}, st.sampled_from([0.0, 0.6, 1.0, 1.6])),
    st.builds(lambda s: {"style": s}, st.sampled_from(STYLES)),
    st.builds(lambda d: {"density": d}, st.sampled_from((None, *DENSITIES))),
    st.builds(lambda k: {"key_lock": k}, st.none() | st.tuples(st.integers(0, 11), st.booleans())),
    st.builds(lambda m: {"meter": m}, usual_meters),
)
"""What a player may turn while playing; the metre changes with the next bar."""


def turn(jam: Jam, change: dict[str, Any]) -> None:
    if (meter := change.get("meter")) is not None:
        line = jam.tempo_map.next_bar_frame(len(jam.rows))
        jam.tempo_map = jam.tempo_map.with_meter(line, meter)
    jam.settings = jam.settings.changed(**change)


def assert_equals_from_scratch(jam: Jam) -> None:
    scratch, n_committed = jam.from_scratch(SCRATCH), len(jam.request().committed)
    plan = jam.ask()
    assert plan.chords == scratch.chords
    assert plan.expected_melody == scratch.expected_melody
    assert plan.confidence[n_committed:] == scratch.confidence[n_committed:]
    assert plan.committed_until_frame == scratch.committed_until_frame


@examples(14)
@given(
    player=st.lists(played_frames, min_size=24, max_size=56),
    seed=st.integers(0, 2**32),
    silent=st.sampled_from([0, 16]),
    foresight=st.sampled_from([0, 4]),
    schedule=st.dictionaries(st.integers(0, 40), changes, max_size=6),
)
def test_incremental_is_from_scratch(
    player: list[MelodyState | None],
    seed: int,
    silent: int,
    foresight: int,
    schedule: dict[int, dict[str, Any]],
) -> None:
    """Bit for bit, over any melody, with any surprises and any knobs turned meanwhile."""
    agent = Anticipator(LIVE, seed)
    jam = Jam(agent, settings=JamSettings(foresight_beats=foresight), silent_until_frame=silent)
    for frame, state in enumerate(player):
        turn(jam, schedule.get(frame, {}))
        if state is not None or frame in schedule or frame % 5 == 0:
            assert_equals_from_scratch(jam)
        else:
            jam.ask()
        jam.close(jam.expected() if state is None else state)
    assert_equals_from_scratch(jam)


def long_jam(n_frames: int, foresight: int) -> Jam:
    """A session in which so many frames have been played: a tune over chords a bar long."""
    jam = Jam(Anticipator(LIVE, 5), settings=JamSettings(foresight_beats=foresight))
    for frame in range(n_frames):
        chord = chord_of_class(2 + 20 * (0, 5, 9, 7)[frame // 16 % 4])
        state = ChordState(chord, frame % 16 == 0)
        pitch = chord.pitch_classes[frame // 4 % 3] + 60
        jam.rows.append(Row(MelodyState(pitch, frame % 4 == 0), state))
        jam.line.append(state)
    jam.committed_until_frame = n_frames
    return jam


@pytest.mark.parametrize(("n_frames", "foresight"), [(1020, 4), (2040, 0)])
def test_a_long_session_goes_on_without_a_stall(
    n_frames: int, foresight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the context, and where the cache's block is full and its newest part is moved: no
    plan computes more than itself, and it is still the one made from scratch. Under another style
    all is read anew, which is no stall either.
    """
    jam = long_jam(n_frames, foresight)
    monkeypatch.setattr(predictor, "PIECE", n_frames + 100)  # as in play: one after another
    jam.ask()
    computed = 0
    step = Stack.step

    def counted(stack: Stack, x: Any) -> Any:
        nonlocal computed
        computed += stack is LIVE._online.stack
        return step(stack, x)

    monkeypatch.setattr(Stack, "step", counted)
    for i in range(12):
        surprise = MelodyState(61 + i, True) if i % 3 == 0 else None
        jam.close(surprise or jam.expected())
        computed = 0
        if i in (3, 7):
            assert_equals_from_scratch(jam)
        else:
            jam.ask()
        # The lookahead and the row that was played; one alone where it was expected.
        assert computed <= (18 if surprise else 2)
    for _ in range(16):  # on beyond the move, with a surprise in every frame
        jam.close(MelodyState(60 + len(jam.rows) % 7, True))
        computed = 0
        jam.ask()
        assert computed <= 18
    monkeypatch.setattr(predictor, "PIECE", PIECE)
    jam.settings = jam.settings.changed(style="jazz", adventurous=0.6)
    computed = 0
    assert_equals_from_scratch(jam)
    assert computed <= 18 + predictor.MOST_LEAD


def test_a_form_that_is_told_late_is_as_if_it_had_been_known() -> None:
    early, late = load_predictor(), load_predictor()
    for network in (early, late):
        network.reset(JamSettings())
    meter = Meter(4, 4)
    rows = [Row(MelodyState(60 + f // 4 % 7, f % 4 == 0), ChordState()) for f in range(300)]
    places = [Place(f // 16, f % 16, meter) for f in range(301)]
    early.form(12)
    for network in (early, late):
        for start in range(0, 300, 50):
            network.extend(rows[start : start + 50], places[start : start + 50])
    late.chord_logits(places[300])
    late.form(12)
    assert np.array_equal(early.chord_logits(places[300]), late.chord_logits(places[300]))
    late.extend(rows[:1], places[300:])
    early.extend(rows[:1], places[300:])
    place = Place(18, 13, meter)
    assert np.array_equal(early.chord_logits(place), late.chord_logits(place))
