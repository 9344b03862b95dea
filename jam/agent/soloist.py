"""The agent's own melody: what it plays where its role says so, over the chords of a plan. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jam.agent.anticipation import Anticipator
from jam.agent.improviser import FREE, Bound, Improviser, Improvises, RuleImproviser, Wish
from jam.messages.plans import Plan, PlanRequest, Solo
from jam.music.grid import Place
from jam.music.rows import REST, MelodyState, Row

LONGEST_RUN_BEATS = 8
"""After so many beats without a rest a breath is due: players breathe, and so do phrases."""


def planned(
    anticipator: Anticipator, request: PlanRequest, enough: Callable[[], bool] | None = None
) -> Plan:
    """A whole plan: the chords and, where the request asks for it, the agent's own melody.

    enough: as in `Anticipator.plan`, which raises what this raises.
    """
    plan = anticipator.plan(request, enough)
    if request.solo is None:
        return plan
    mind = anticipator.predictor
    who = mind.improviser() if isinstance(mind, Improvises) else RuleImproviser()
    return with_solo(plan, request, *anticipator.history, who, anticipator.seed)


def with_solo(
    plan: Plan,
    request: PlanRequest,
    rows: Sequence[Row],
    places: Sequence[Place],
    improviser: Improviser,
    seed: int,
) -> Plan:
    """The plan with the agent's melody, where the request asks for one.

    rows, places: of the whole history up to the plan's first frame.
    """
    solo = request.solo
    if solo is None or not plan.chords:
        return plan
    start, end = plan.start_frame, plan.end_frame
    mine = [solo.is_mine(frame) for frame in range(start, end)]
    if not any(mine):
        return replace(plan, solo=(None,) * len(mine))
    ahead = request.places[len(request.rows) : len(request.rows) + len(mine)]
    given = [
        _given(solo, start + i, own, expected)
        for i, (own, expected) in enumerate(zip(mine, plan.expected_melody, strict=True))
    ]
    wish = Wish(
        solo.echo_bars,
        solo.notes_a_beat,
        solo.mean_pitch,
        solo.lowest,
        solo.highest,
        request.settings.style,
    )
    bounds = bounds_of(solo, rows, given, start, ahead)
    line = improviser.improvise(
        rows, [*places[: len(rows)], *ahead], plan.chords, given, bounds, wish, seed
    )
    expected = tuple(
        REST if own else state for own, state in zip(mine, plan.expected_melody, strict=True)
    )
    played = tuple(state if own else None for own, state in zip(mine, line, strict=True))
    return replace(plan, solo=played, expected_melody=expected)


def _given(solo: Solo, frame: int, mine: bool, expected: MelodyState) -> MelodyState | None:
    """What is certain of a frame, or the player's; None where it is to be made up."""
    return solo.known.get(frame) if mine else expected


def bounds_of(
    solo: Solo,
    rows: Sequence[Row],
    given: Sequence[MelodyState | None],
    start: int,
    places: Sequence[Place],
) -> list[Bound]:
    """Where it has to end, and where nothing new may begin: at the end of a turn it is over, with
    no new note in its last half beat, and after `LONGEST_RUN_BEATS` a half beat is for breath."""
    found: list[Bound] = []
    run = 0
    for row in reversed(rows[-64:]):
        if row.melody.pitch is None:
            break
        run += 1
    for i, place in enumerate(places[: len(given)]):
        beat = place.meter.frames_per_beat
        left = solo.frames_left(start + i)
        if left is not None and left <= max(1, beat // 2):
            found.append(Bound(ends=left <= 1, holds=True))
        elif run >= LONGEST_RUN_BEATS * beat and place.strength == 0:
            found.append(Bound(ends=True))
        elif solo.begins_at(start + i, place):
            found.append(Bound(begins=True))
        else:
            found.append(FREE)
        known = given[i]
        rests = found[-1].ends or (known is not None and known.pitch is None)
        run = 0 if rests else run + 1
    return found
