"""What a player's machine and a server of agents say to each other: binary, versioned, bounded.

Every message is one frame of MessagePack: arrays of numbers in the order of the fields below, with
the message's kind first. msgspec checks types and limits while it decodes, before anything is
built of them; nothing is pickled. A chord is 0 for none, or 1 + twice its index + its onset; a note
of the melody 0 for a rest, or 1 + twice its pitch + its onset.

The version is the WebSocket's subprotocol: ends that don't share one don't get connected.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from websockets.typing import Subprotocol

from jam.errors import BadInput
from jam.messages.plans import AgentRequest, InForm, Plan, PlanRequest, Solo
from jam.music.chord import QUALITY_INDEX, QUALITY_NAMES, Chord
from jam.music.grid import Meter, Place
from jam.music.rows import ChordState, MelodyState, Row
from jam.settings import JamSettings

SUBPROTOCOL = Subprotocol("jam.agent.3")
"""Counted on where a message changes."""
ASK_BYTES = 2 * 2**20
"""Of the longest request: the history of a very long session, told again in one piece."""
ANSWER_BYTES = 64 * 2**10
MOST_ROWS = 250_000
"""Seventeen hours at 120 beats a minute."""
MOST_AHEAD = 256
"""Frames of the longest lookahead or commitment."""
_MOST_RUNS = 20_000
"""Changes of metre, and places that were jumped to."""
_MOST_BARRED = 1000
_FOREVER_S = 1e6
COMES_AGAIN_S = 3.0
"""A player who was turned away from a full server tries again after so long."""

_Chord = Annotated[int, Meta(ge=0, le=2 * 12 * len(QUALITY_NAMES))]
_Note = Annotated[int, Meta(ge=0, le=2 * 128)]
_Frame = Annotated[int, Meta(ge=0, le=2**31)]
_Ahead = Annotated[int, Meta(ge=0, le=MOST_AHEAD)]
_Chords = Annotated[tuple[_Chord, ...], Meta(max_length=MOST_AHEAD)]
_Run = tuple[
    Annotated[int, Meta(ge=-(2**20), le=2**24)],  # bar
    Annotated[int, Meta(ge=0, le=63)],  # frame in the bar
    Annotated[int, Meta(ge=1, le=64)],  # numerator
    Annotated[int, Meta(ge=2, le=8)],  # denominator
    Annotated[int, Meta(ge=1, le=MOST_ROWS + MOST_AHEAD)],  # so many frames
]


class Wanted(Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The settings that planning knows."""

    model: Annotated[str, Meta(max_length=20)]
    style: Annotated[str, Meta(max_length=20)]
    temperature: float
    adventurous: float
    foresight_beats: int
    commit_beats: int
    density: float | None
    key_lock: tuple[Annotated[int, Meta(ge=0, le=11)], bool] | None
    palette: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=256)]


class SoloAsked(Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """Where the agent plays the melody: see `jam.messages.plans.Solo`."""

    spans: Annotated[tuple[tuple[_Frame, _Frame], ...], Meta(max_length=MOST_AHEAD)]
    known: Annotated[tuple[tuple[_Frame, _Note], ...], Meta(max_length=4 * MOST_AHEAD)]
    echo_bars: Annotated[int, Meta(ge=0, le=64)]
    notes_a_beat: Annotated[float, Meta(ge=0, le=100)] | None
    mean_pitch: Annotated[float, Meta(ge=0, le=127)] | None
    lowest: Annotated[int, Meta(ge=0, le=127)]
    highest: Annotated[int, Meta(ge=0, le=127)]
    begins: bool = False


class Ask(
    Struct, array_like=True, tag=1, tag_field="kind", forbid_unknown_fields=True, frozen=True
):
    """A request for a plan: see `jam.messages.plans.PlanRequest`.

    within_s: until then the plan is wanted. number: that of the request, counted on.
    """

    number: Annotated[int, Meta(ge=0, le=2**53)]
    session: Annotated[int, Meta(ge=0, le=2**31)]
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    first_frame: _Frame
    melody: Annotated[tuple[_Note, ...], Meta(max_length=MOST_ROWS)]
    chords: Annotated[tuple[_Chord, ...], Meta(max_length=MOST_ROWS)]
    committed: _Chords
    places: Annotated[tuple[_Run, ...], Meta(max_length=_MOST_RUNS)]
    lookahead: _Ahead
    commit: _Ahead
    silent_until: _Frame
    within_s: Annotated[float, Meta(ge=-_FOREVER_S, le=_FOREVER_S)]
    fixed: Annotated[tuple[_Chord | None, ...], Meta(max_length=MOST_AHEAD)]
    goals: Annotated[tuple[tuple[_Frame, _Chord], ...], Meta(max_length=MOST_AHEAD)]
    form_bars: Annotated[int, Meta(ge=1, le=10_000)] | None
    barred: Annotated[tuple[tuple[_Frame, _Frame, _Chord], ...], Meta(max_length=_MOST_BARRED)]
    solo: SoloAsked | None
    form: Annotated[tuple[tuple[bool, _Frame | None], ...], Meta(max_length=MOST_AHEAD)]
    settings: Wanted


class Planned(
    Struct, array_like=True, tag=2, tag_field="kind", forbid_unknown_fields=True, frozen=True
):
    """The plan: see `jam.messages.plans.Plan`. server_s: how long the server had it."""

    number: int
    made_at: int
    committed_until: _Frame
    chords: _Chords
    melody: Annotated[tuple[_Note, ...], Meta(max_length=MOST_AHEAD)]
    confidence: Annotated[
        tuple[Annotated[float, Meta(ge=0, le=1)], ...], Meta(max_length=MOST_AHEAD)
    ]
    solo: Annotated[tuple[_Note | None, ...], Meta(max_length=MOST_AHEAD)]
    predictor: Annotated[str, Meta(max_length=40)]
    server_s: float


class Unknown(
    Struct, array_like=True, tag=3, tag_field="kind", forbid_unknown_fields=True, frozen=True
):
    """The request doesn't go on from what the server knows: the whole history is to be told."""

    number: int


class Welcome(
    Struct, array_like=True, tag=4, tag_field="kind", forbid_unknown_fields=True, frozen=True
):
    """What a server says first. name: of its agent. models: as in `AgentReady`."""

    name: Annotated[str, Meta(max_length=40)]
    models: Annotated[tuple[Annotated[str, Meta(max_length=20)], ...], Meta(max_length=8)]


_asks = msgspec.msgpack.Decoder(Ask)
_answers = msgspec.msgpack.Decoder(Planned | Unknown | Welcome)
_encoder = msgspec.msgpack.Encoder()
Answer = Planned | Unknown | Welcome
encoded = _encoder.encode
_T = TypeVar("_T")


def read_ask(data: bytes) -> Ask:
    """A request as it came. Raises BadInput for anything else than one."""
    return _read(_asks, data, ASK_BYTES)


def read_answer(data: bytes) -> Answer:
    """What a server said. Raises BadInput for anything else."""
    return _read(_answers, data, ANSWER_BYTES)


def _read(decoder: msgspec.msgpack.Decoder[_T], data: bytes, most: int) -> _T:
    if len(data) > most:
        raise BadInput(f"a message of {len(data)} bytes: more than {most}")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise BadInput(f"not a message of {SUBPROTOCOL}: {str(error)[:100]}") from None


def ask_of(asked: AgentRequest, number: int, now_s: float) -> Ask:
    """A request as it is sent."""
    request, settings = asked.request, asked.request.settings
    within = request.due_s - now_s
    return Ask(
        number,
        asked.session,
        asked.seed,
        request.first_frame,
        tuple(_note(row.melody) for row in request.rows),
        tuple(_chord(row.chord) for row in request.rows),
        tuple(map(_chord, request.committed)),
        tuple(runs(request.places)),
        request.lookahead_frames,
        request.commit_frames,
        request.silent_until_frame,
        max(-_FOREVER_S, min(within, _FOREVER_S)),
        tuple(None if state is None else _chord(state) for state in request.fixed),
        tuple((frame, _chord(ChordState(chord))) for frame, chord in request.goals),
        request.form_bars,
        tuple((start, end, _chord(ChordState(chord))) for start, end, chord in request.barred),
        None if request.solo is None else _solo_asked(request.solo),
        tuple((known.closes, known.again) for known in request.form),
        Wanted(*(getattr(settings, name) for name in Wanted.__struct_fields__)),
    )


def request_of(ask: Ask, now_s: float) -> AgentRequest:
    """The request that was sent, due on this machine's clock. Raises BadInput where its parts
    don't fit together."""
    places = tuple(_places(ask.places, len(ask.melody) + max(ask.lookahead, ask.commit)))
    if len(ask.melody) != len(ask.chords):
        raise BadInput("a request whose melody and chords differ in length")
    if len(places) != len(ask.melody) + ask.lookahead or ask.lookahead == 0:
        raise BadInput("a request whose places don't reach to the end of its lookahead")
    if ask.fixed and len(ask.fixed) != ask.lookahead:
        raise BadInput("a request whose fixed chords don't reach to the end of its lookahead")
    if ask.form and len(ask.form) != ask.lookahead:
        raise BadInput("a request whose form doesn't reach to the end of its lookahead")
    if len(ask.committed) > ask.lookahead:
        raise BadInput("a request with more chords committed than planned")
    wanted = {name: getattr(ask.settings, name) for name in Wanted.__struct_fields__}
    within = ask.within_s if ask.within_s < _FOREVER_S else math.inf
    return AgentRequest(
        ask.session,
        ask.seed,
        PlanRequest(
            ask.first_frame,
            tuple(
                Row(_melody_state(note), _chord_state(chord))
                for note, chord in zip(ask.melody, ask.chords, strict=True)
            ),
            tuple(map(_chord_state, ask.committed)),
            places,
            ask.lookahead,
            ask.commit,
            ask.silent_until,
            JamSettings(**wanted),
            now_s + within,
            tuple(None if code is None else _chord_state(code) for code in ask.fixed),
            tuple((frame, _chord_of(code)) for frame, code in ask.goals),
            ask.form_bars,
            tuple((start, end, _chord_of(code)) for start, end, code in ask.barred),
            None if ask.solo is None else _solo(ask.solo),
            tuple(InForm(closes, again) for closes, again in ask.form),
        ),
    )


def planned_of(plan: Plan, number: int, server_s: float) -> Planned:
    """A plan as it is sent."""
    return Planned(
        number,
        plan.made_at_frame,
        plan.committed_until_frame,
        tuple(map(_chord, plan.chords)),
        tuple(map(_note, plan.expected_melody)),
        tuple(min(1.0, max(0.0, share)) for share in plan.confidence),
        tuple(None if state is None else _note(state) for state in plan.solo),
        plan.predictor,
        server_s,
    )


def plan_of(planned: Planned, compute_s: float) -> Plan:
    """The plan that was sent. Raises BadInput where its parts don't fit together."""
    n = len(planned.chords)
    if not n == len(planned.melody) == len(planned.confidence) or len(planned.solo) > n:
        raise BadInput("a plan whose parts differ in length")
    start = planned.made_at + 1
    if not start <= planned.committed_until <= start + n:
        raise BadInput("a plan that is committed where it isn't planned")
    return Plan(
        planned.made_at,
        start,
        planned.committed_until,
        tuple(map(_chord_state, planned.chords)),
        tuple(map(_melody_state, planned.melody)),
        planned.confidence,
        planned.predictor,
        compute_s,
        solo=tuple(None if code is None else _melody_state(code) for code in planned.solo),
    )


def _solo_asked(solo: Solo) -> SoloAsked:
    return SoloAsked(
        solo.spans,
        tuple((frame, _note(state)) for frame, state in solo.known.items()),
        solo.echo_bars,
        solo.notes_a_beat,
        solo.mean_pitch,
        solo.lowest,
        solo.highest,
        solo.begins,
    )


def _solo(asked: SoloAsked) -> Solo:
    if asked.lowest > asked.highest:
        raise BadInput("a solo whose lowest note is above its highest")
    return Solo(
        asked.spans,
        {frame: _melody_state(code) for frame, code in asked.known},
        asked.echo_bars,
        asked.notes_a_beat,
        asked.mean_pitch,
        asked.lowest,
        asked.highest,
        asked.begins,
    )


def runs(places: Sequence[Place]) -> Iterable[_Run]:
    """Places as stretches in which one follows upon the other."""
    begin = 0
    for i in range(1, len(places) + 1):
        if i < len(places) and places[i] == _after(places[i - 1]):
            continue
        first = places[begin]
        meter = first.meter
        yield first.bar, first.frame_in_bar, meter.numerator, meter.denominator, i - begin
        begin = i


def _after(place: Place) -> Place:
    if place.frame_in_bar + 1 < place.meter.frames_per_bar:
        return Place(place.bar, place.frame_in_bar + 1, place.meter)
    return Place(place.bar + 1, 0, place.meter)


def _places(stretches: Iterable[_Run], most: int) -> Iterable[Place]:
    total = 0
    for bar, frame, numerator, denominator, count in stretches:
        meter = Meter(numerator, denominator)
        total += count
        if total > most or frame >= meter.frames_per_bar:
            raise BadInput("a request with more places than frames, or one beyond its bar")
        for k in range(frame, frame + count):
            bars, rest = divmod(k, meter.frames_per_bar)
            yield Place(bar + bars, rest, meter)


def _note(state: MelodyState) -> int:
    return 0 if state.pitch is None else 1 + 2 * state.pitch + state.onset


def _melody_state(code: int) -> MelodyState:
    return MelodyState() if code == 0 else MelodyState((code - 1) // 2, bool((code - 1) % 2))


def _chord(state: ChordState) -> int:
    chord = state.chord
    if chord is None:
        return 0
    index = chord.root * len(QUALITY_NAMES) + QUALITY_INDEX[chord.quality]
    return 1 + 2 * index + state.onset


def _chord_state(code: int) -> ChordState:
    if code == 0:
        return ChordState()
    return ChordState(_chord_of(code), bool((code - 1) % 2))


def _chord_of(code: int) -> Chord:
    if code == 0:
        raise BadInput("a chord was expected, and there is none")
    root, quality = divmod((code - 1) // 2, len(QUALITY_NAMES))
    return Chord(root, QUALITY_NAMES[quality])


assert {*Wanted.__struct_fields__} <= {f.name for f in fields(JamSettings)}
