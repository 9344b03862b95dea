"""The library: what goes in comes out, whatever it is; search, undo, migrations, size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.messages.plans import Plan
from jam.music.chord import Chord
from jam.music.rows import ChordState, MelodyState
from jam.sessions import schema
from jam.sessions.check import check
from jam.sessions.library import Library
from jam.sessions.rows import (
    chord_code,
    chord_of_code,
    kept_frames,
    live_take_entry,
    melody_code,
    melody_of_code,
    pack_plan,
    unpack_plan,
)
from jam.sessions.session import LIVE_TAKE, Moment, Session, TakeInfo, key_name
from jam.sessions.tape import Tape
from jam.settings import JamSettings
from tests.support.examples import examples
from tests.support.recorded import Jam, jams, plain_jam, plan_lists
from tests.support.strategies import chords


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "sessions.sqlite3") as library:
        yield library


def record(library: Library, jam: Jam | None = None, title: str = "") -> int:
    """A whole jam, log by log, each a transaction."""
    logs = jam.logs if jam else plain_jam()
    tape = Tape(logs[0])
    live = TakeInfo(LIVE_TAKE, "As played", "live", tape.opening.settings, tape.opening.seed)
    with library.transaction():
        session_id = library.begin(tape.opening, date_now(), title, "")
        library.write(session_id, [live_take_entry(live)])
    for log in logs:
        with library.transaction():
            library.write(session_id, tape.take(log))
            library.write(session_id, [tape.progress()])
    with library.transaction():
        library.finish(session_id, "complete", keep_silent=True)
    return session_id


@given(chords, st.booleans(), st.integers(0, 127))
def test_states_survive_as_numbers(chord: Chord, onset: bool, pitch: int) -> None:
    state = ChordState(chord, onset)
    assert chord_of_code(chord_code(state)) == state
    assert melody_of_code(melody_code(MelodyState(pitch, onset))) == MelodyState(pitch, onset)


@given(st.integers(0, 1 << 16))
def test_no_number_is_read_as_something_that_was_never_written(code: int) -> None:
    with suppress(ValueError):
        assert chord_code(chord_of_code(code)) == code
    with suppress(ValueError):
        assert melody_code(melody_of_code(code)) == code


@examples(30)
@given(plan_lists(40))
def test_plans_survive_as_what_they_change(plans: list[Plan]) -> None:
    before: Plan | None = None
    for plan in plans:
        kept = kept_frames(plan, before)
        data = pack_plan(plan, kept)
        found = unpack_plan(data, kept, plan.start_frame, before)
        assert found == (plan.chords, plan.expected_melody, plan.confidence)
        before = plan


@examples(40)
@given(jams())
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, jam: Jam) -> None:
    with Library(tmp_path_factory.mktemp("library") / "x.sqlite3") as library:
        session = library.session(record(library, jam))
        assert session.tempo_map == jam.tempo_map
        assert session.seed == 7
        assert list(session.settings) == jam.settings
        assert list(session.notes) == jam.notes
        assert list(session.pedals) == jam.pedals
        assert list(session.expression) == jam.expression
        assert list(session.rows) == jam.rows
        assert [record.plan for record in session.plans] == jam.plans
        assert list(session.songs) == jam.songs
        assert list(session.sources) == jam.sources
        take = session.takes[0].take
        assert {p: list(n) for p, n in take.parts.items() if p != "player"} == jam.sounded
        assert take.chords == tuple(row.chord for row in jam.rows)
        assert [n.pitch for n in take.parts["player"]] == [n.pitch for n in jam.notes]
        info = session.info
        assert (info.n_notes, info.state) == (len(jam.notes), "complete")
        assert info.bpm == jam.tempo_map.bpm_at(0) and info.meter == jam.tempo_map.meter_at(0)

        # A copy is the same, and both are whole.
        copy = library.session(library.add(session).id)
        assert without_identity(copy) == without_identity(session)
        library.close()
        assert not check(library.path).findings


def without_identity(session: Session) -> tuple[object, ...]:
    info = session.info
    return (
        info.started_at,
        info.length_s,
        info.title,
        info.key,
        info.rating,
        info.tags,
        info.n_bars,
        session.tempo_map,
        session.seed,
        session.settings,
        session.notes,
        session.pedals,
        session.expression,
        session.rows,
        session.plans,
        session.counters,
        session.moments,
        session.songs,
        session.sources,
        session.takes,
    )


def test_sessions_are_found_by_any_word(library: Library) -> None:
    first, second = record(library, title="Blue Evening"), record(library)
    library.set_tags(second, ["slow", "in the rain", "slow", " "])
    assert library.info(second).tags == ("in the rain", "slow")
    assert library.tags() == ("in the rain", "slow")
    year = f"{library.info(first).started_at.astimezone():%Y-%m-%d}"

    def found(search: str) -> list[int]:
        return [info.id for info in library.sessions(search)]

    assert found("") == [second, first]
    assert found("blu EVE") == [first] == found("Evening 120")
    assert found("rain") == [second] == found("RAIN slow 4/4")
    assert found(f"{year} piano") == [second, first]
    key = key_name(library.info(first).key)
    assert key and found(key) == [second, first] == found(key[:3].upper())
    assert found("100% _ nothing") == [] == found("'; DROP TABLE sessions")
    library.rename(first, "Another\n  name")
    assert library.info(first).title == "Another name"
    assert found("evening") == [] and found("another") == [first]


def test_what_is_deleted_can_be_brought_back_for_a_while(library: Library) -> None:
    session_id = record(library)
    before = library.session(session_id)
    assert library.delete(session_id).state == "deleted"
    assert library.sessions() == () and len(library.sessions(deleted=True)) == 1
    assert library.purge() == 0
    library.undelete(session_id)
    assert library.session(session_id) == before
    library.delete(session_id)
    assert library.purge(older_than_days=-1) == 1
    with pytest.raises(BadInput, match=f"no session {session_id}"):
        library.session(session_id)
    assert library.orphans() == 0


def test_takes_are_kept_beside_the_original(library: Library) -> None:
    session_id = record(library)
    live = library.session(session_id).takes[0]
    bossa = JamSettings(accompaniment="bossa")
    info = library.add_take(session_id, "Bossa", "re-voiced", bossa, 5, live.take)
    library.rename_take(session_id, info.id, "Bossa again")
    takes = library.session(session_id).takes
    assert [t.info for t in takes] == [live.info, TakeInfo(1, "Bossa again", "re-voiced", bossa, 5)]
    assert takes[1].take == live.take
    library.delete_take(session_id, 1)
    assert len(library.session(session_id).takes) == 1
    library.undelete_take(session_id, 1)
    assert library.session(session_id).takes == takes
    with pytest.raises(BadInput, match="first take"):
        library.delete_take(session_id, LIVE_TAKE)


def test_moments_ratings_and_bad_values(library: Library) -> None:
    session_id = record(library)
    moments = (Moment(-0.5, "marker", "count-in"), Moment(1.0, "good"), Moment(3.0, "bad", "hm"))
    library.set_moments(session_id, reversed(moments))
    assert library.session(session_id).moments == moments
    assert library.rate(session_id, 5).rating == 5
    for bad in (-1, 6):
        with pytest.raises(BadInput, match=f"rating {bad}"):
            library.rate(session_id, bad)
    with pytest.raises(BadInput, match="longer than"):
        library.rename(session_id, "x" * 201)
    with pytest.raises(BadInput, match="no session 99"):
        library.rename(99, "x")


VERSION_1 = """
CREATE TABLE sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL CHECK (state IN
 ('recording', 'complete', 'recovered')), writer TEXT NOT NULL DEFAULT '', deleted_at TEXT,
 started_at TEXT NOT NULL, length_s REAL NOT NULL DEFAULT 0, title TEXT NOT NULL DEFAULT '',
 tempo TEXT NOT NULL, bpm REAL NOT NULL, meter TEXT NOT NULL, tonic INTEGER, minor INTEGER,
 style TEXT NOT NULL, seed TEXT NOT NULL, rating INTEGER NOT NULL DEFAULT 0,
 n_notes INTEGER NOT NULL DEFAULT 0, n_bars INTEGER NOT NULL DEFAULT 0,
 words TEXT NOT NULL DEFAULT '');
CREATE INDEX sessions_by_date ON sessions (started_at);
CREATE TABLE tags (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 tag TEXT NOT NULL, PRIMARY KEY (session_id, tag)) WITHOUT ROWID;
CREATE TABLE notes (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 seq INTEGER NOT NULL, note_id INTEGER NOT NULL, pitch INTEGER NOT NULL, velocity INTEGER NOT NULL,
 start_s REAL NOT NULL, end_s REAL, PRIMARY KEY (session_id, seq)) WITHOUT ROWID;
CREATE TABLE pedals (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 seq INTEGER NOT NULL, at_s REAL NOT NULL, down INTEGER NOT NULL, channel INTEGER NOT NULL,
 PRIMARY KEY (session_id, seq)) WITHOUT ROWID;
CREATE TABLE frames (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 frame INTEGER NOT NULL, melody INTEGER NOT NULL, chord INTEGER NOT NULL,
 PRIMARY KEY (session_id, frame)) WITHOUT ROWID;
CREATE TABLE plans (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 seq INTEGER NOT NULL, at_s REAL NOT NULL, made_at_frame INTEGER NOT NULL,
 start_frame INTEGER NOT NULL, committed_until_frame INTEGER NOT NULL, compute_s REAL NOT NULL,
 predictor TEXT, kept INTEGER NOT NULL, data BLOB NOT NULL,
 PRIMARY KEY (session_id, seq)) WITHOUT ROWID;
CREATE TABLE settings (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 seq INTEGER NOT NULL, at_s REAL NOT NULL, data TEXT NOT NULL, PRIMARY KEY (session_id, seq))
 WITHOUT ROWID;
CREATE TABLE counters (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 seq INTEGER NOT NULL, at_s REAL NOT NULL, data TEXT NOT NULL, PRIMARY KEY (session_id, seq))
 WITHOUT ROWID;
CREATE TABLE moments (id INTEGER PRIMARY KEY,
 session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE, at_s REAL NOT NULL,
 kind TEXT NOT NULL, text TEXT NOT NULL DEFAULT '');
CREATE INDEX moments_of ON moments (session_id, at_s);
CREATE TABLE takes (session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
 take_id INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, settings TEXT NOT NULL,
 seed TEXT NOT NULL, chords BLOB, PRIMARY KEY (session_id, take_id)) WITHOUT ROWID;
CREATE TABLE take_notes (session_id INTEGER NOT NULL, take_id INTEGER NOT NULL,
 seq INTEGER NOT NULL, part TEXT NOT NULL, pitch INTEGER NOT NULL, velocity INTEGER NOT NULL,
 start_frame REAL NOT NULL, end_frame REAL, PRIMARY KEY (session_id, take_id, seq),
 FOREIGN KEY (session_id, take_id) REFERENCES takes ON DELETE CASCADE) WITHOUT ROWID;
INSERT INTO sessions VALUES (7, 'complete', '', NULL, '2026-01-02T03:04:05+00:00', 1.0, 'Old one',
 '[[0, 0.0, 120.0, "4/4", 0, 0]]', 120.0, '4/4', 9, 1, 'piano', '5', 4, 1, 1, 'old one a minor');
INSERT INTO tags VALUES (7, 'blues');
INSERT INTO notes VALUES (7, 0, 1, 69, 80, 0.0, 0.5);
INSERT INTO frames VALUES (7, 0, 140, 38), (7, 1, 139, 37);
INSERT INTO settings VALUES (7, 0, -1.0, '{"bpm": 120.0, "a_setting_of_once": 3}');
INSERT INTO takes VALUES (7, 0, 'As played', 'live', '{"bpm": 120.0}', '5', NULL);
INSERT INTO take_notes VALUES (7, 0, 0, 'chords', 57, 70, 0.0, 4.0);
PRAGMA application_id = 1784769907;
PRAGMA user_version = 1;
"""


def test_a_library_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as old:
        old.executescript(VERSION_1)
    old.close()
    with pytest.raises(JamError, match="written to once"):
        Library(path, read_only=True)
    with Library(path) as library:
        session = library.session(7)
        assert (session.info.title, session.info.tags, session.info.key) == (
            "Old one",
            ("blues",),
            (9, True),
        )
        assert session.rows[0].chord == ChordState(session.rows[1].chord.chord, True)
        assert session.settings[0][1].bpm == 120.0
        assert record(library) == 8
        # As if it had been made today.
        with Library(tmp_path / "new.sqlite3") as new:
            tables = "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(m.name))"
            query = f"{tables} FROM sqlite_schema m WHERE type = 'table' ORDER BY 1"
            assert library._db.execute(query).fetchall() == new._db.execute(query).fetchall()
    assert not check(path).findings


def test_a_newer_library_and_a_foreign_file_are_left_alone(tmp_path: Path) -> None:
    newer, foreign = tmp_path / "newer.sqlite3", tmp_path / "foreign.sqlite3"
    with Library(newer) as library:
        record(library)
    for path, statement in (
        (newer, f"PRAGMA user_version = {schema.VERSION + 1}"),
        (foreign, "CREATE TABLE recipes (name TEXT)"),
    ):
        with sqlite3.connect(path) as db:
            db.execute(statement)
        db.close()
    bytes_before = newer.read_bytes(), foreign.read_bytes()
    with pytest.raises(JamError, match="newer version of jam"):
        Library(newer)
    with pytest.raises(BadInput, match=r"foreign.sqlite3: not a library"):
        Library(foreign)
    assert (newer.read_bytes(), foreign.read_bytes()) == bytes_before


def test_two_thousand_sessions(library: Library) -> None:
    """That they are all there, in order, and found; `tools/bench.py --sessions` times it."""
    first = library.session(record(library))
    small = Session(
        first.info,
        first.tempo_map,
        1,
        first.settings,
        first.notes[:2],
        (),
        first.rows[:16],
        (),
        (),
        (),
        first.takes,
    )
    with library.transaction():
        for i in range(1999):
            started_at = first.info.started_at - timedelta(hours=i + 1)
            info = replace(first.info, title=f"Jam t{i}", started_at=started_at)
            library._add(replace(small, info=info), None)
    everything = library.sessions()
    assert len(everything) == 2000
    assert [info.started_at for info in everything] == sorted(
        (info.started_at for info in everything), reverse=True
    )
    assert [info.title for info in library.sessions("t1234")] == ["Jam t1234"]
    assert len(library.sessions("t77")) == 11
