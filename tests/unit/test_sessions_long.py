"""A long session is read where it is looked at, and exported without being read whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from jam.errors import BadInput, JamError
from jam.music.rows import Row
from jam.sessions import excerpt as excerpts
from jam.sessions.check import check, sessions_in
from jam.sessions.excerpt import AROUND_S, Excerpt
from jam.sessions.exports import export
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.sessions.session import LIVE_TAKE, Session
from jam.sessions.stored import Stored
from tools.bench_long import long_logs
from tools.support.session_parts import made_session

HOURS = 0.75


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    path = tmp_path_factory.mktemp("long") / "library.sqlite3"
    writer = SessionWriter(path, title="long")
    for log in long_logs(HOURS):
        writer.take_log(log)
    writer.close()
    assert not writer.trouble
    return Library(path)


@pytest.fixture(scope="module")
def whole(library: Library) -> Session:
    return library.session(1)


@pytest.mark.parametrize("at_s", [-5.0, 0.0, 1234.5, HOURS * 3600 - 3])
def test_an_excerpt_has_what_lies_around_a_place(
    library: Library, whole: Session, at_s: float
) -> None:
    found = library.excerpt(1, LIVE_TAKE, at_s)
    part, first_s, last_s = found.session, found.first_s, found.last_s
    assert (first_s, last_s) == (at_s - AROUND_S, at_s + AROUND_S)
    assert list(part.notes) == [
        n for n in whole.notes if n.start_s <= last_s and n.end_s is not None and n.end_s >= first_s
    ]
    assert list(part.plans) == [
        record
        for record, after in zip(whole.plans, [*whole.plans[1:], None], strict=True)
        if record.at_s <= last_s and (after is None or after.at_s > first_s)
    ]
    at = whole.tempo_map.position_at
    for frame in range(max(0, int(at(first_s))), min(len(whole.rows), int(at(last_s)))):
        assert part.rows[frame] == whole.rows[frame]
    take, all_of_it = part.takes[0].take, whole.takes[0].take
    for name, notes in all_of_it.parts.items():
        seen = [n for n in notes if n.end_frame > at(first_s) and n.start_frame < at(last_s)]
        assert not set(seen) - set(take.parts[name])
    blank = max(0, int(at(first_s)))
    assert set(part.rows[:blank]) <= {Row()} and len(part.rows) <= len(whole.rows)
    assert part.moments == whole.moments


def test_its_outline_knows_the_whole(library: Library, whole: Session) -> None:
    outline = library.excerpt(1, LIVE_TAKE, 0.0).outline
    assert outline is not None
    take = whole.takes[0].take
    notes = [n for n in take.timed_notes() if n.part != "drums"]
    assert outline.parts == set(take.parts)
    assert outline.end_s >= max(n.end_s for n in notes) and outline.start_s == 0
    assert {(n.part, n.pitch) for n in outline.notes} == {(n.part, n.pitch) for n in notes}
    pitches = [n.pitch for n in notes]
    assert outline.low_pitch <= min(pitches) and outline.high_pitch >= max(pitches)
    assert library.excerpt(1, LIVE_TAKE, 2000.0, outline).outline is outline


def test_a_short_one_is_read_whole(tmp_path: Path) -> None:
    with Library(tmp_path / "library.sqlite3") as short:
        info = short.add(made_session())
        assert short.excerpt(info.id, LIVE_TAKE, 0.0) == Excerpt(short.session(info.id), LIVE_TAKE)


def test_of_other_takes_an_excerpt_has_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpts, "WHOLE_S", 0.0)
    made = made_session()
    taken = made.takes[0]
    with Library(tmp_path / "library.sqlite3") as short:
        info = short.add(made)
        other = short.add_take(info.id, "Other", "re-voiced", taken.info.settings, 3, taken.take)
        found = short.excerpt(info.id, other.id, 1.0).session
        assert [take.info for take in found.takes][1] == other
        assert set(found.takes[0].take.parts) == {"player"}
        assert set(found.takes[1].take.parts) == set(taken.take.parts)
        assert found.takes[1].take.chords == taken.take.chords


@pytest.mark.parametrize("suffix", [".mid", ".json", ".musicxml"])
def test_what_is_exported_from_the_library_is_what_the_whole_gives(
    library: Library, whole: Session, tmp_path: Path, suffix: str
) -> None:
    told: list[tuple[int, int]] = []
    with library.stored(1) as session:
        export(
            session,
            tmp_path / f"a{suffix}",
            progress=lambda done, total: told.append((done, total)),
        )
    export(whole, tmp_path / f"b{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert told == sorted(told) and told[0][0] <= told[-1][0] <= told[-1][1]
    assert len(set(told)) > 3


def test_what_is_saved_of_a_damaged_library_is_never_held_whole(
    library: Library, whole: Session, tmp_path: Path
) -> None:
    for session, losses in sessions_in(library.path):
        assert isinstance(session.notes, Stored) and isinstance(session.plans, Stored)
        assert all(isinstance(n, Stored) for n in session.takes[0].take.parts.values())
        assert not losses.found
    copy = tmp_path / "copy.sqlite3"
    library.checkpoint()
    shutil.copyfile(library.path, copy)
    with sqlite3.connect(copy) as db:
        db.execute("UPDATE sessions SET n_notes = n_notes + 1")
    db.close()
    assert check(copy, repair=True).repairs and not check(copy).findings
    with Library(copy) as mended:
        assert mended.session(1) == whole


def test_stored_sequences_are_sequences(library: Library, whole: Session) -> None:
    with library.stored(1) as session:
        assert len(session.notes) == len(whole.notes) and len(session.plans) == len(whole.plans)
        assert session.notes[0] == whole.notes[0] and session.notes[-1] == whole.notes[-1]
        assert tuple(session.plans[70:75]) == whole.plans[70:75]
        with pytest.raises(IndexError):
            session.notes[len(whole.notes)]


def test_what_is_damaged_is_said_of_the_library_and_what_is_wrong_in_the_wish_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "library.sqlite3"
    with Library(path) as library:
        session_id = library.add(replace(made_session(), moments=())).id
        library._db.execute("UPDATE notes SET pitch = 300 WHERE seq = 3")
        library._db.commit()
        for suffix in (".mid", ".json"):
            with library.stored(session_id) as session, pytest.raises(JamError, match="damaged"):
                export(session, tmp_path / f"a{suffix}")
        assert not list(tmp_path.glob("a*"))
        with library.stored(session_id) as session, pytest.raises(BadInput) as raised:
            export(session, tmp_path / "a.xyz")
        assert "is damaged" not in str(raised.value)


def test_json_is_read_back(library: Library, whole: Session, tmp_path: Path) -> None:
    with library.stored(1) as session:
        export(session, tmp_path / "a.json")
    plain = json.loads((tmp_path / "a.json").read_bytes())
    assert len(plain["plans"]) == len(whole.plans) and len(plain["rows"]) == len(whole.rows)


def test_it_is_checked_without_being_kept(library: Library, whole: Session) -> None:
    n_notes, n_bars, losses = library.look_through(whole.info)
    assert (n_notes, n_bars) == (len(whole.notes), whole.info.n_bars) and not losses
