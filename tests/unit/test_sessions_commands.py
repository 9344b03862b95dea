"""`jam sessions …` as a user meets it, and what `check` finds and mends."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import mido
import pytest

from jam.cli.main import main
from jam.cli.sessions import NO_SESSIONS, NOTHING_WRONG
from jam.files import demo_tunes, library_path
from jam.midi.file import read_midi
from jam.sessions import schema
from jam.sessions.check import check
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.sessions.takes import take_name
from jam.settings import JamSettings
from tests.support.recorded import plain_jam


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's library, with two sessions."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    path = library_path()
    writer = SessionWriter(path, title="Blue evening")
    for session in (1, 2):
        for log in plain_jam(8.0, 100.0 * session, session, ended=True):
            writer.take_log(log)
    writer.close()
    return path


def sessions(*words: str, status: int = 0) -> None:
    assert main(["sessions", *words]) == status


Said = pytest.CaptureFixture[str]


def test_imports_into_one_library_take_their_turns(path: Path, capsys: Said) -> None:
    """Longer than other commands wait for a lock."""
    other = schema.connect(path)
    other.execute("BEGIN IMMEDIATE")
    let_go = threading.Timer(2.5, other.execute, ("COMMIT",))
    let_go.start()
    sessions("import", str(demo_tunes()[0]))
    let_go.join()
    other.close()
    assert "imported as session 3" in capsys.readouterr().out


def test_list_and_show(path: Path, capsys: Said) -> None:
    sessions("list")
    head, *lines = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == ("ID Date Length Bars Tempo Metre Key Style Rated Title, tags")
    assert len(lines) == 2 and all("0:08" in line and "Blue evening" in line for line in lines)
    sessions("rename", "1", "Rain")
    sessions("tag", "1", "slow", "blues")
    sessions("rate", "1", "4")
    capsys.readouterr()
    sessions("list", "blues", "rai")
    (_, line) = capsys.readouterr().out.splitlines()
    assert "★★★★" in line and line.endswith("Rain #blues #slow")
    sessions("list", "nothing like it")
    assert capsys.readouterr().out == f"{NO_SESSIONS}\n"
    sessions("show", "1")
    said = capsys.readouterr().out
    for words in ("Played: 16 notes", "Plans: 64", "* take 0: As played (live)", "1 | Am . . . |"):
        assert words in said


def test_a_melody_without_chords_is_not_voiced(path: Path, tmp_path: Path, capsys: Said) -> None:
    tune = tmp_path / "tune.mid"
    song = mido.MidiFile()
    song.tracks.append(
        mido.MidiTrack(
            mido.Message(kind, note=60 + i, velocity=80, time=240)
            for i in range(8)
            for kind in ("note_on", "note_off")
        )
    )
    song.save(tune)
    sessions("import", str(tune))
    capsys.readouterr()
    sessions("retake", "last", "--how", "voiced", status=2)
    assert "--how harmonised" in capsys.readouterr().err
    sessions("retake", "last", "--how", "harmonised", "--agent", "rules")
    sessions("retake", "last", "--how", "voiced", "--take", "1")


def test_delete_and_undo(path: Path, capsys: Said) -> None:
    sessions("delete", "1", "last")
    assert "jam sessions undelete 1" in capsys.readouterr().out
    sessions("list")
    assert NO_SESSIONS in capsys.readouterr().out
    sessions("list", "--deleted")
    assert capsys.readouterr().out.count("Blue evening") == 2
    sessions("undelete", "1", "2")
    capsys.readouterr()
    sessions("list")
    assert capsys.readouterr().out.count("Blue evening") == 2


def test_export_retake_and_import(path: Path, tmp_path: Path, capsys: Said) -> None:
    bossa = JamSettings(accompaniment="bossa")
    sessions("retake", "last", "--how", "voiced", "--style", "bossa")
    said = capsys.readouterr().out
    assert f"Take 1 of session 2: {take_name('re-voiced', bossa, 0)}" in said and "1 | Am" in said
    sessions("retake", "2", "--how", "harmonised", "--agent", "rules", "--name", "Mine")
    sessions("retake", "2", "--how", "played", "--agent", "rules", "--seed", "5", "--listen", "0")
    capsys.readouterr()
    sessions("show", "2", "--take", "2")
    said = capsys.readouterr().out
    assert (
        "* take 2: Mine (re-harmonised)" in said
        and f"take 3: {take_name('re-played', JamSettings(), 5)}" in said
    )
    for suffix in ("mid", "musicxml", "json"):
        sessions("export", "2", "--take", "1", "-o", str(tmp_path / f"out.{suffix}"))
    assert "Drums" in {n.part for n in read_midi(tmp_path / "out.mid").notes}
    capsys.readouterr()
    sessions("import", str(tmp_path / "out.json"), str(tmp_path / "out.mid"), str(demo_tunes()[0]))
    assert (
        capsys.readouterr()
        .out.splitlines()[0]
        .startswith(f"{tmp_path / 'out.json'}: imported as session")
    )
    sessions("check")
    assert f"5 sessions, {NOTHING_WRONG}" in capsys.readouterr().out


def test_another_library_is_taken_over(path: Path, tmp_path: Path, capsys: Said) -> None:
    with Library(tmp_path / "other.sqlite3"):
        pass
    other = ["--library", str(tmp_path / "other.sqlite3")]
    sessions("import", *other, str(path))
    assert capsys.readouterr().out.count("Blue evening, 4 bars") == 2
    sessions("list", *other)
    assert capsys.readouterr().out.count("Blue evening") == 2
    sessions("import", *other, str(tmp_path / "other.sqlite3"), status=2)
    assert "the library itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("show 99", "no session 99"),
        ("show first", "no session 'first'"),
        ("show 1 --take 9", "no take 9"),
        ("export 1 -o jam.txt", "jam.txt: the name must end in"),
        ("export 1 -o /no/such/jam.mid", "no such folder"),
        ("export 1 -o jam.mid --stems", "--stems: only"),
        ("import /no/such/file.json", "/no/such/file.json: no such file"),
        ("import /no/such/file.mid", "/no/such/file.mid: no such file"),
        ("import /etc/passwd", "/etc/passwd: the name must end in"),
        ("list --library /no/such/library", "/no/such/library: no such file"),
        ("rate 1 9", "rating 9: must be between"),
        ("delete 1 99", "no session 99"),
        ("play 1 --speed 400", "speed 400: must be between 50 and 150"),
        ("play 1 --from 99", "second 99: the session ends at"),
        ("play 1 --loop 5 2", "loop from 5 to 2"),
        ("play 1 --take 9", "no take 9"),
        ("retake 1 --how voiced --style polka", "polka"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_line(
    path: Path, capsys: Said, words: str, said: str
) -> None:
    sessions(*words.split(), status=2)
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    with Library(path) as library:
        assert len(library.sessions()) == 2


def test_help_has_examples(capsys: Said) -> None:
    for what in ("", "list", "show", "export", "play", "import", "retake", "delete", "check"):
        with pytest.raises(SystemExit) as ended:
            main(["sessions", *what.split(), "--help"])
        assert ended.value.code == 0
        assert "jam sessions " in capsys.readouterr().out.split("Example")[1]


# -- check


def spoil(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = OFF")
    with db:
        for statement in statements:
            db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM frames WHERE session_id = 1 AND frame BETWEEN 10 AND 12", "frame 10 is miss"),
        ("UPDATE frames SET chord = 9999 WHERE session_id = 1 AND frame = 3", "no such chord"),
        ("DELETE FROM plans WHERE session_id = 1 AND seq = 5", "plan 5 is missing"),
        ("UPDATE plans SET data = x'00' WHERE session_id = 1 AND seq = 5", "a plan of the wrong"),
        ("UPDATE settings SET data = '{' WHERE session_id = 1", "settings:"),
        ("UPDATE settings SET data = '[]' WHERE session_id = 1", "settings:"),
        ("UPDATE sessions SET tempo = 'x' WHERE id = 1", "tempo:"),
        (
            "UPDATE notes SET pitch = 300 WHERE session_id = 1 AND seq = 1",
            "note[1]: expected a whole number <= 127",
        ),
        ("UPDATE sessions SET n_notes = 99 WHERE id = 1", "listed with 99 notes"),
        ("DELETE FROM takes WHERE session_id = 1", "takes:"),
        ("INSERT INTO tags VALUES (77, 'lost')", "belong to no session"),
        ("UPDATE sessions SET started_at = 'yesterday' WHERE id = 1", "yesterday"),
        ("UPDATE sessions SET meter = '4/0' WHERE id = 1", "4/0"),
    ],
)
def test_check_finds_what_is_wrong_and_mends_it(
    path: Path, capsys: Said, statement: str, found: str
) -> None:
    with Library(path) as library:
        other = library.session(2)
    spoil(path, statement)
    sessions("check", status=1)
    assert found in (said := capsys.readouterr().out) and "check --repair" in said
    sessions("check", "--repair")
    assert found in (said := capsys.readouterr().out) and "Repaired: " in said
    sessions("check")
    with Library(path) as library:
        session = library.session(1)
        assert len(session.rows) == 64 and len(session.notes) in (15, 16)
        assert library.session(2) == other


def test_check_saves_what_can_be_read_of_a_damaged_file(path: Path, capsys: Said) -> None:
    writer = SessionWriter(path)
    for session in range(1, 12):
        for log in plain_jam(30.0, 100.0 * session, session, ended=True):
            writer.take_log(log)
    writer.close()
    with Library(path) as library:
        before = {info.id: library.session(info.id) for info in library.sessions()}
        # A page in the middle of the plans, which are most of the file.
        (page,) = library._db.execute(
            "SELECT pageno FROM dbstat WHERE name = 'plans' AND pagetype = 'leaf'"
            " ORDER BY pageno LIMIT 1 OFFSET 12"
        ).fetchone()
    data = bytearray(path.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = bytes(4096)
    path.write_bytes(data)
    sessions("check", status=1)
    assert "the file is damaged" in capsys.readouterr().out
    sessions("check", "--repair")
    said = capsys.readouterr().out
    assert f"{len(before)} sessions were saved" in said and "saved in part: plans" in said
    (aside,) = path.parent.glob("*-damaged-*.sqlite3")
    assert str(aside) in said
    assert not check(path).findings
    with Library(path) as library:
        after = {info.id: library.session(info.id) for info in library.sessions()}
    assert after.keys() == before.keys()
    same = [i for i in before if after[i] == before[i]]
    assert len(same) == len(before) - 1
    assert all(after[i].notes == before[i].notes for i in before)


def test_check_of_what_is_no_library(path: Path, tmp_path: Path, capsys: Said) -> None:
    path.write_bytes(b"no library at all" * 1000)
    sessions("check", status=1)
    assert "damaged" in capsys.readouterr().out
    sessions("check", "--repair")
    assert "0 sessions were saved" in capsys.readouterr().out
    sessions("check")
    foreign = tmp_path / "foreign.sqlite3"
    spoil(foreign, "CREATE TABLE recipes (name TEXT)")
    sessions("check", "--repair", "--library", str(foreign), status=2)
    assert "not a library" in capsys.readouterr().err


def test_what_is_read_otherwise_is_told(path: Path, tmp_path: Path, capsys: Said) -> None:
    """Karaoke files are MIDI files; a metre and a tempo that can't be played are mapped."""
    file = tmp_path / "song.kar"
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(900)))
    track.append(mido.MetaMessage("time_signature", numerator=17, denominator=4))
    for pitch in (60, 62, 64, 65) * 4:
        track.append(mido.Message("note_on", note=pitch, velocity=80))
        track.append(mido.Message("note_off", note=pitch, time=480))
    midi.tracks.append(track)
    midi.save(file)
    sessions("import", str(file))
    first = capsys.readouterr()
    assert "imported as session 3" in first.out and "more: --verbose" in first.err
    sessions("import", "--verbose", str(file))
    assert len(capsys.readouterr().err.splitlines()) == len(read_midi(file).warnings) > 1
