"""The protocol of anticipation, held by any predictor: what is promised to the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Logits, Mask, Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.messages.plans import Plan
from jam.music.chord import Chord
from jam.music.grid import Meter, Place
from jam.music.key import in_key
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState
from jam.settings import DENSITIES, STYLES, JamSettings
from tests.support.examples import examples
from tests.support.jamming import Jam, WaryPredictor
from tests.support.strategies import melodies, players, usual_meters

Make = Callable[[], Predictor]
some = examples(25)
"""For tests that run a whole jam, or many."""
every_predictor = pytest.mark.parametrize("make", [WaryPredictor, RuleBasedPredictor])
seeds = st.integers(0, 2**32)
reaches = st.builds(
    lambda lookahead, commit: {"lookahead_beats": lookahead, "commit_beats": commit},
    st.integers(1, 5),
    st.integers(0, 5),
)
silences = st.sampled_from([0, 0, 16, 32])
changes: st.SearchStrategy[dict[str, Any]] = st.one_of(
    reaches,
    st.builds(lambda n: {"foresight_beats": n}, st.sampled_from([0, 2, 4])),
    st.builds(lambda t: {"temperature": t}, st.sampled_from([0.0, 0.5, 1.0, 1.5])),
    st.builds(lambda s: {"style": s}, st.sampled_from(STYLES)),
    st.builds(lambda d: {"density": d}, st.sampled_from((None, *DENSITIES))),
    st.builds(lambda k: {"key_lock": k}, st.none() | st.tuples(st.integers(0, 11), st.booleans())),
)
schedules = st.dictionaries(st.integers(0, 60), changes, max_size=4)
"""Settings that change before a frame."""

troubles = st.dictionaries(
    st.integers(0, 60), st.sampled_from(["not asked", "lost", "told anew"]), max_size=12
)


def new_jam(make: Make, seed: int, silent: int = 0, **values: Any) -> Jam:
    # The wary predictor changes its mind in most frames: weighing every time takes long. Where
    # knobs are turned, foresight is one of them.
    settings = JamSettings(**{"foresight_beats": 0, **values})
    return Jam(Anticipator(make(), seed), settings=settings, silent_until_frame=silent)


def same_plan(one: Plan, other: Plan, n_committed: int = 0) -> bool:
    """Equal in all that matters; the confidence of what was committed before is only a memory."""
    return (
        (one.start_frame, one.committed_until_frame)
        == (other.start_frame, other.committed_until_frame)
        and one.chords == other.chords
        and one.expected_melody == other.expected_melody
        and one.confidence[n_committed:] == other.confidence[n_committed:]
    )


def agree_where_both_plan(earlier: Plan, later: Plan) -> bool:
    shift = later.start_frame - earlier.start_frame
    common = min(earlier.end_frame, later.end_frame) - later.start_frame
    return (
        earlier.chords[shift : shift + common] == later.chords[:common]
        and earlier.expected_melody[shift : shift + common] == later.expected_melody[:common]
    )


def turning(schedule: dict[int, dict[str, Any]]) -> Callable[[Jam, int], bool]:
    """Someone turns the knobs while playing."""

    def before_frame(jam: Jam, frame: int) -> bool:
        jam.settings = jam.settings.changed(**schedule.get(frame, {}))
        return True

    return before_frame


@every_predictor
@some
@given(
    melody=melodies(max_frames=48), seed=seeds, silent=silences, schedule=schedules, reach=reaches
)
def test_what_is_committed_never_changes(
    make: Make,
    melody: list[MelodyState],
    seed: int,
    silent: int,
    schedule: dict[int, dict[str, Any]],
    reach: dict[str, int],
) -> None:
    jam = new_jam(make, seed, silent, **reach).play(melody, turning(schedule))
    for plan in jam.plans:
        for frame in range(plan.start_frame, min(plan.committed_until_frame, len(jam.line))):
            assert plan.chords[frame - plan.start_frame] == jam.line[frame]


@every_predictor
@some
@given(
    melody=melodies(min_frames=1),
    other=melodies(min_frames=1),
    data=st.data(),
    seed=seeds,
    silent=silences,
    reach=reaches,
)
def test_a_chord_never_depends_on_the_melody_of_its_frame_or_later(
    make: Make,
    melody: list[MelodyState],
    other: list[MelodyState],
    data: st.DataObject,
    seed: int,
    silent: int,
    reach: dict[str, int],
) -> None:
    frame = data.draw(st.integers(0, len(melody) - 1))
    one = new_jam(make, seed, silent, **reach).play(melody)
    two = new_jam(make, seed, silent, **reach).play(melody[:frame] + other)
    assert one.line[: frame + 1] == two.line[: frame + 1]
    assert one.plans[: frame + 1] == two.plans[: frame + 1]


@every_predictor
@some
@given(heard=melodies(max_frames=40), seed=seeds, silent=silences, reach=reaches)
def test_with_nothing_unexpected_plans_agree(
    make: Make, heard: list[MelodyState], seed: int, silent: int, reach: dict[str, int]
) -> None:
    """Whatever came before: from now on the player plays just what the agent expects."""
    assume(len(heard) >= silent)
    jam = new_jam(make, seed, silent, **reach).play(heard)
    before = jam.ask()
    for _ in range(40):
        jam.close(before.expected_melody[0])
        plan = jam.ask()
        assert agree_where_both_plan(before, plan)
        before = plan


@some
@given(heard=melodies(max_frames=40), seed=seeds, reach=reaches)
def test_what_came_true_costs_one_frame(
    heard: list[MelodyState], seed: int, reach: dict[str, int]
) -> None:
    predictor = WaryPredictor()
    jam = new_jam(lambda: predictor, seed, **reach).play(heard)
    plan = jam.ask()
    for _ in range(20):
        jam.close(plan.expected_melody[0])
        computed = predictor.n_chords_computed
        plan = jam.ask()
        assert predictor.n_chords_computed - computed <= 1


@every_predictor
@some
@given(player=players, seed=seeds, silent=silences, reach=reaches, trouble=troubles)
def test_the_fast_path_is_the_slow_path(
    make: Make,
    player: list[MelodyState | None],
    seed: int,
    silent: int,
    reach: dict[str, int],
    trouble: dict[int, str],
) -> None:
    """At every frame a new agent, given the history, plans just the same; also when the old one
    was not asked at some frames, answered too late, or was told twice."""

    def before_frame(jam: Jam, frame: int) -> bool:
        if trouble.get(frame) == "told anew":
            jam.told_until_frame = max(0, jam.told_until_frame - 7)
        if trouble.get(frame) != "not asked":
            scratch, n_committed = jam.from_scratch(), len(jam.request().committed)
            plan = jam.ask(lost=trouble.get(frame) == "lost")
            assert same_plan(plan, scratch, n_committed)
        return False

    new_jam(make, seed, silent, **reach).play(player, before_frame)


@every_predictor
@some
@given(player=players, seed=seeds, silent=silences, schedule=schedules)
def test_the_fast_path_is_the_slow_path_while_knobs_are_turned(
    make: Make,
    player: list[MelodyState | None],
    seed: int,
    silent: int,
    schedule: dict[int, dict[str, Any]],
) -> None:
    turn = turning(schedule)

    def before_frame(jam: Jam, frame: int) -> bool:
        turn(jam, frame)
        scratch, n_committed = jam.from_scratch(), len(jam.request().committed)
        assert same_plan(jam.ask(), scratch, n_committed)
        return False

    new_jam(make, seed, silent).play(player, before_frame)


@every_predictor
@some
@given(player=players, seed=seeds, meter=usual_meters, at_frame=st.integers(1, 40))
def test_a_change_of_meter_replans_what_is_not_committed(
    make: Make, player: list[MelodyState | None], seed: int, meter: Meter, at_frame: int
) -> None:
    def before_frame(jam: Jam, frame: int) -> bool:
        if frame == at_frame:
            line = jam.tempo_map.next_bar_frame(frame)
            jam.tempo_map = jam.tempo_map.with_meter(line, meter)
        scratch, n_committed = jam.from_scratch(), len(jam.request().committed)
        assert same_plan(jam.ask(), scratch, n_committed)
        return False

    jam = new_jam(make, seed).play(player, before_frame)
    for plan in jam.plans:
        for frame in range(plan.start_frame, min(plan.committed_until_frame, len(jam.line))):
            assert plan.chords[frame - plan.start_frame] == jam.line[frame]


@every_predictor
@some
@given(melody=melodies(min_frames=33), seed=seeds, reach=reaches)
def test_listening_is_silent_and_ends_with_a_chord_that_is_struck(
    make: Make, melody: list[MelodyState], seed: int, reach: dict[str, int]
) -> None:
    jam = new_jam(make, seed, 32, **reach).play(melody)
    assert jam.line[:32] == [NO_CHORD] * 32
    first = jam.line[32]
    assert first.chord is None or first.onset


@some
@given(melody=melodies(min_frames=20), seed=seeds)
def test_every_seed_has_a_jam_of_its_own_and_always_the_same(
    melody: list[MelodyState], seed: int
) -> None:
    one = new_jam(WaryPredictor, seed).play(melody)
    again = new_jam(WaryPredictor, seed).play(melody)
    other = new_jam(WaryPredictor, seed + 1).play(melody)
    assert one.plans == again.plans
    assert one.plans != other.plans


@every_predictor
@some
@given(
    melody=players,
    seed=seeds,
    silent=silences,
    reach=reaches,
    patience=st.lists(st.integers(0, 20), min_size=1, max_size=30),
)
def test_a_plan_cut_short_is_the_beginning_of_the_whole_one(
    make: Make,
    melody: list[MelodyState | None],
    seed: int,
    silent: int,
    reach: dict[str, int],
    patience: list[int],
) -> None:
    """It reaches a beat beyond what is fixed, and the next one goes on from it."""
    jam = new_jam(make, seed, silent, **reach)
    for frame, state in enumerate(melody):
        left = iter([False] * patience[frame % len(patience)])
        request, whole = jam.request(), jam.from_scratch()
        n_committed = len(request.committed)
        plan = jam.ask(enough=lambda left=left: next(left, True))  # type: ignore[misc]
        n = len(plan.chords)
        fixed = max(n_committed, request.commit_frames)
        assert n >= min(request.lookahead_frames, fixed + 4)
        assert plan.committed_until_frame == whole.committed_until_frame
        assert (plan.chords, plan.expected_melody) == (whole.chords[:n], whole.expected_melody[:n])
        assert plan.confidence[n_committed:] == whole.confidence[n_committed:n]
        jam.close(jam.expected() if state is None else state)
    assert jam.ask().chords == jam.from_scratch().chords


@every_predictor
@some
@given(melody=melodies(max_frames=48), key=st.tuples(st.integers(0, 11), st.booleans()), seed=seeds)
def test_the_key_lock_holds(
    make: Make, melody: list[MelodyState], key: tuple[int, bool], seed: int
) -> None:
    jam = new_jam(make, seed, key_lock=key).play(melody)
    assert all(state.chord is None or in_key(state.chord, key) for state in jam.line)


@some
@given(melody=melodies(max_frames=48), seed=seeds)
def test_at_temperature_0_no_dice_are_cast(melody: list[MelodyState], seed: int) -> None:
    one = new_jam(WaryPredictor, seed, temperature=0.0).play(melody)
    two = new_jam(WaryPredictor, seed + 1, temperature=0.0).play(melody)
    assert one.plans == two.plans


@every_predictor
@some
@given(melody=melodies(max_frames=48), seed=seeds, reach=reaches)
def test_a_plan_is_complete(
    make: Make, melody: list[MelodyState], seed: int, reach: dict[str, int]
) -> None:
    jam = new_jam(make, seed, **reach).play(melody)
    for made, plan in enumerate(jam.plans):
        request_end = made + max(reach.values()) * 4
        assert (plan.made_at_frame, plan.start_frame, plan.end_frame) == (
            made - 1,
            made,
            request_end,
        )
        assert made + reach["commit_beats"] * 4 <= plan.committed_until_frame <= plan.end_frame
        assert len(plan.expected_melody) == len(plan.confidence) == len(plan.chords)
        assert all(0.0 < p <= 1.0 for p in plan.confidence)
        before = jam.line[made - 1] if made else NO_CHORD
        for state in plan.chords:
            if not state.onset:
                assert state.chord in (before.chord, None)
            before = state


def test_the_agent_is_told_when_rows_are_missing() -> None:
    jam = new_jam(RuleBasedPredictor, 0)
    jam.ask()
    jam.close(REST)
    jam.close(REST)
    with pytest.raises(ValueError, match="are known"):
        jam.anticipator.plan(jam.request(first_frame=1))


def test_what_sounded_is_not_forgotten_by_an_agent_that_comes_late() -> None:
    """After listening the history holds the chords that were played, not what it makes up."""
    predictor = WaryPredictor()
    jam = new_jam(lambda: predictor, 3, 16).play([MelodyState(60, True)] * 48)
    late = WaryPredictor()
    Anticipator(late, 3).plan(jam.request(first_frame=0))
    assert [row.chord for row in late.rows[16:48]] == jam.line[16:48]
    assert late.rows[:47] == predictor.rows[:47]


def test_other_news_of_the_past_are_believed() -> None:
    """A history that is told anew replaces the one that was known."""
    one = new_jam(WaryPredictor, 3).play([MelodyState(60, True)] * 32)
    two = new_jam(WaryPredictor, 3).play([MelodyState(72, True)] * 32)
    two.ask()
    one.ask()
    plan = one.anticipator.plan(two.request(first_frame=0))
    assert same_plan(plan, two.from_scratch(), len(two.request().committed))


def test_the_committed_chords_are_those_that_the_stage_says() -> None:
    jam = new_jam(WaryPredictor, 3)
    jam.ask()
    g7 = ChordState(Chord(7, "7"), True)
    jam.line[3] = g7  # inside the two beats that are committed
    jam.close(jam.expected())
    n_committed = len(jam.request().committed)
    scratch = jam.from_scratch()
    plan = jam.ask()
    assert plan.chords[2] == g7
    assert same_plan(plan, scratch, n_committed)


def test_the_chord_is_drawn_first_and_the_melody_knows_it() -> None:
    asked: list[tuple[str, int, ChordState | None]] = []

    class Recorded(WaryPredictor):
        def chord_logits(self, place: Place, forbidden: Mask | None = None) -> Logits:
            asked.append(("chord", self.n_rows, None))
            return super().chord_logits(place, forbidden)

        def melody_logits(self, place: Place, chord: ChordState) -> NDArray[np.float32]:
            asked.append(("melody", self.n_rows, chord))
            return super().melody_logits(place, chord)

    plan = new_jam(Recorded, 11).ask()
    assert asked == [
        step
        for frame, chord in enumerate(plan.chords)
        for step in (("chord", frame, None), ("melody", frame, chord))
    ]


def test_a_long_jam_is_not_compared_from_its_beginning() -> None:
    """The work of a plan doesn't grow with the session: rows once known are not looked at again."""

    class Counted(MelodyState):
        __slots__ = ()
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            assert isinstance(other, MelodyState)
            return (self.pitch, self.onset) == (other.pitch, other.onset)

        __hash__ = None  # type: ignore[assignment]

    jam = new_jam(RuleBasedPredictor, 0)
    for _ in range(200):
        jam.ask()
        expected = jam.expected()
        jam.close(Counted(expected.pitch, expected.onset))
    Counted.compared = 0
    jam.ask()
    assert 0 < Counted.compared < 20
