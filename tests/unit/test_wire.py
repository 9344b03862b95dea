"""What players' machines and servers say to each other: nothing is lost, nothing else gets in."""

from __future__ import annotations

import contextlib
import math
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.messages.plans import AgentRequest, InForm, Plan, PlanRequest, Solo
from jam.messages.servers import CONNECTING, NO_SERVER, ServerState
from jam.music.grid import Place
from jam.music.rows import ChordState, MelodyState, Row
from jam.remote import kept_tokens, wire
from jam.remote.client import ServerAddress, server_address
from jam.remote.told import Told
from jam.settings import DENSITIES, STYLES, JamSettings
from tests.support.examples import examples
from tests.support.strategies import chords, tempo_maps

states = st.builds(ChordState, chords, st.booleans()) | st.just(ChordState())
notes = st.builds(MelodyState, st.integers(0, 127), st.booleans()) | st.just(MelodyState())
rows = st.builds(Row, notes, states)
planning = st.builds(
    JamSettings,
    style=st.sampled_from(STYLES),
    density=st.sampled_from((None, *DENSITIES)),
    key_lock=st.none() | st.tuples(st.integers(0, 11), st.booleans()),
    palette=st.sampled_from([(), ("maj", "min7"), ("maj", "min", "Dm7")]),
    temperature=st.floats(0.1, 2.0),
    adventurous=st.floats(0, 1),
    foresight_beats=st.integers(0, 8),
    commit_beats=st.integers(0, 4),
)


solos = st.builds(
    Solo,
    st.lists(st.tuples(st.integers(0, 99), st.integers(100, 999)), max_size=3).map(tuple),
    st.dictionaries(st.integers(0, 999), notes, max_size=5),
    st.integers(0, 8),
    st.none() | st.floats(0, 8),
    st.none() | st.floats(40, 90),
)


in_form = st.builds(InForm, st.booleans(), st.none() | st.integers(0, 2**31))


@st.composite
def requests(draw: st.DrawFn) -> AgentRequest:
    told = tuple(draw(st.lists(rows, max_size=40)))
    first = draw(st.integers(0, 500))
    lookahead, commit = draw(st.integers(1, 64)), draw(st.integers(0, 32))
    tempo_map = draw(tempo_maps())
    end = first + len(told) + lookahead
    fixed = draw(st.just(()) | st.lists(st.none() | states, min_size=lookahead, max_size=lookahead))
    request = PlanRequest(
        first,
        told,
        tuple(draw(st.lists(states, max_size=lookahead))),
        tuple(tempo_map.place(frame) for frame in range(first, end)),
        lookahead,
        commit,
        draw(st.integers(0, 200)),
        draw(planning),
        draw(st.floats(0, 1e5) | st.just(math.inf)),
        tuple(fixed),
        tuple(draw(st.lists(st.tuples(st.integers(0, 1000), chords), max_size=3))),
        draw(st.none() | st.integers(1, 64)),
        tuple(
            draw(st.lists(st.tuples(st.integers(0, 99), st.integers(100, 200), chords), max_size=3))
        ),
        draw(st.none() | solos),
        tuple(draw(st.just([]) | st.lists(in_form, min_size=lookahead, max_size=lookahead))),
    )
    return AgentRequest(draw(st.integers(0, 100)), draw(st.integers(-(2**63), 2**63 - 1)), request)


@examples(40)
@given(requests(), st.integers(0, 2**53))
def test_a_request_arrives_as_it_was(asked: AgentRequest, number: int) -> None:
    ask = wire.read_ask(wire.encoded(wire.ask_of(asked, number, 50.0)))
    found = wire.request_of(ask, 50.0)
    due = asked.request.due_s
    assert ask.number == number
    assert found.request.due_s == pytest.approx(due)
    assert msgspec.structs.astuple(ask)[:3] == (number, asked.session, asked.seed)
    ours = msgspec.to_builtins(found.request) | {"due_s": 0}
    assert ours == msgspec.to_builtins(asked.request) | {"due_s": 0}


@given(st.lists(st.tuples(states, notes, st.floats(0, 1)), min_size=1, max_size=64), st.data())
def test_a_plan_arrives_as_it_was(
    frames: list[tuple[ChordState, MelodyState, float]], data: st.DataObject
) -> None:
    chord, melody, shares = (tuple(part) for part in zip(*frames, strict=True))
    start = data.draw(st.integers(0, 1000))
    until = data.draw(st.integers(start, start + len(chord)))
    solo = tuple(data.draw(st.lists(st.none() | notes, max_size=len(chord))))
    plan = Plan(start - 1, start, until, chord, melody, shares, "neural", 0.25, solo=solo)
    planned = wire.read_answer(wire.encoded(wire.planned_of(plan, 3, 0.01)))
    assert isinstance(planned, wire.Planned)
    assert wire.plan_of(planned, 0.25) == plan


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    for read in (wire.read_ask, wire.read_answer):
        try:
            read(data)
        except BadInput as error:
            assert "\n" not in str(error)


@examples(40)
@given(requests(), st.data())
def test_a_message_with_a_fault_is_refused_or_means_something(
    asked: AgentRequest, data: st.DataObject
) -> None:
    whole = bytearray(wire.encoded(wire.ask_of(asked, 1, 0.0)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadInput):
        wire.request_of(wire.read_ask(bytes(whole)), 0.0)


def test_too_long_a_message_is_refused_unread() -> None:
    with pytest.raises(BadInput, match="bytes"):
        wire.read_ask(b"\0" * (wire.ASK_BYTES + 1))


@examples(30)
@given(st.lists(st.lists(rows, min_size=1, max_size=5), min_size=1, max_size=8), st.data())
def test_whoever_has_missed_something_is_told_it(
    parts: list[list[Row]], data: st.DataObject
) -> None:
    told = Told()
    settings = JamSettings()
    known: list[Row] = []
    heard: list[Row] = []
    for part in parts:
        first = data.draw(st.integers(0, len(known)))  # a stage may tell some of it again
        known += part
        places = tuple(Place(*divmod(f, 16), settings.meter) for f in range(first, len(known) + 8))
        request = PlanRequest(first, tuple(known[first:]), (), places, 8, 0, 0, settings)
        asked = AgentRequest(1, 0, request)
        assert told.take(asked)
        if data.draw(st.booleans()):
            continue  # this one doesn't reach the listener
        heard_as = told.request(asked, len(heard)).request
        assert heard_as.first_frame <= len(heard)
        assert heard_as.next_frame == request.next_frame
        assert heard_as.places == tuple(
            Place(*divmod(f, 16), settings.meter)
            for f in range(heard_as.first_frame, len(known) + 8)
        )
        heard[heard_as.first_frame :] = heard_as.rows
        assert heard == known
    gap = PlanRequest(len(known) + 1, (Row(),), (), (), 8, 0, 0, settings)
    assert not told.take(AgentRequest(1, 0, gap))


@pytest.mark.parametrize(
    "url", ["", "http://a:1", "ws://school.example:1", "wss://", "wss://a:99999", "wss://me@a:1"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        ServerAddress(url)


def test_what_is_said_of_the_line_to_a_server() -> None:
    assert not NO_SERVER.name and not NO_SERVER.problem
    on_the_way = ServerState("a:1", why_not=CONNECTING)
    assert not on_the_way.name and not on_the_way.problem and "a:1" in on_the_way.words
    there = ServerState("a:1", 15)
    assert "15 ms" in there.name and "15 ms" in there.words and not there.problem
    gone = ServerState("a:1", 15, "gone")
    assert not gone.name and "a:1" in gone.problem and "gone" in gone.words


def test_tokens_are_kept_for_one_server_each_and_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv(kept_tokens.TOKEN_VARIABLE, raising=False)
    kept_tokens.keep_token("a:1", "jam_a")
    kept_tokens.keep_token("b:1", "jam_b")
    assert stat.S_IMODE(kept_tokens.kept_path().stat().st_mode) == 0o600
    assert server_address("wss://a:1").token == "jam_a"
    assert "jam_a" not in repr(server_address("wss://a:1"))
    for wrong in ("two words", "ä" * 10, "x" * 1000, "line\n"):
        with pytest.raises(BadInput) as refused:
            kept_tokens.keep_token("a:1", wrong)
        assert wrong not in str(refused.value)
    kept_tokens.keep_token("a:1", "")
    assert kept_tokens.token_for("a:1") == "" and kept_tokens.token_for("b:1") == "jam_b"
    monkeypatch.setenv(kept_tokens.TOKEN_VARIABLE, "jam_now")
    assert kept_tokens.token_for("b:1") == "jam_now"
    kept_tokens.kept_path().write_text("{")
    assert not kept_tokens.is_kept("b:1")
