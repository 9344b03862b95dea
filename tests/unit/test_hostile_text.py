"""Attacks on the readers of songs, sessions and libraries that are too large to be files here."""

from __future__ import annotations

import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jam.errors import BadInput
from jam.sessions.imports import import_file, read_json
from jam.sessions.library import Library
from models.corpora.abc import parse_tune
from models.corpora.midi import midi_draft
from tests.support.lead_sheets import SCALE, midi_file
from tools.fuzzing.jams import READERS as JAMS
from tools.fuzzing.reader import judge
from tools.fuzzing.songs import READERS as SONGS
from tools.fuzzing.songs import mxl
from tools.support.session_parts import made_session, played_tune

PRIMES = [n for n in range(1009, 9000) if all(n % d for d in range(2, 95))]
NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>{}</duration></note>"


def score(measures: str) -> bytes:
    return f"<score-partwise><part id='P1'>{measures}</part></score-partwise>".encode()


def tune(body: str) -> bytes:
    return f"X:1\nM:4/4\nL:1/8\nK:C\n{body}\n".encode()


def measure(inside: str, times: int = 1) -> str:
    return f"<measure>{inside}</measure>" * times


REPEAT = "<barline><repeat direction='backward' times='16'/></barline>"
EACH_ITS_OWN_DIVISIONS = "".join(
    f"<attributes><divisions>{p}</divisions></attributes>{NOTE.format(1)}" for p in PRIMES
)
BIG_DEFAULT = (
    f"<!DOCTYPE score-partwise [<!ATTLIST note x CDATA '{'A' * 1_000_000}'>]>"
    f"<score-partwise><part id='P1'>{measure('<note/>' * 5000)}</part></score-partwise>"
)
SCORES: dict[str, tuple[str, bytes]] = {
    "rhythms without a common measure": ("musicxml", score(measure(EACH_ITS_OWN_DIVISIONS))),
    "default attributes": ("musicxml", BIG_DEFAULT.encode()),
    "endings that are never played": (
        "musicxml",
        score(
            measure("<barline><ending number='7' type='start'/></barline>" + NOTE.format(4), 4000)
            + measure(NOTE.format(1) + REPEAT)
        ),
    ),
    "many notes, many times": ("musicxml", score(measure(NOTE.format(1) * 10_000 + REPEAT))),
    "a deep tree": ("musicxml", b"<a>" * 100_000),
    "a long attribute": ("musicxml", b"<a b='" + b"x" * 20_000_000 + b"'/>"),
    "a long duration": ("musicxml", score(measure(NOTE.format(999_999_999)))),
    "many parts": (
        "musicxml",
        b"<score-partwise>"
        + b"<part><measure><note/></measure></part>" * 20_000
        + b"</score-partwise>",
    ),
    "a zip bomb": ("mxl", mxl(b" " * (64 << 20))),
    "packed by LZMA": ("mxl", mxl(b"<a/>", method=zipfile.ZIP_LZMA)),
    "a name that leads out": ("mxl", mxl(score("")).replace(b"score.xml", b"../../xml")),
    "broken rhythm": ("abc", tune("C" + ">" * 150_000 + "D")),
    "broken rhythms": ("abc", tune("C>>>>>>>>>>>>>>>>>>>>" * 9_000)),
    "lengths without a common measure": ("abc", tune("".join(f"[L:1/{p}]C" for p in PRIMES))),
    "parts": ("abc", b"X:1\nP:" + b"(" * 9 + b"A9" + b")9" * 9 + b"\nK:C\nP:A\n" + b"C" * 9_999),
    "repeats": ("abc", tune(("C" * 16 + ":::::::::|") * 1_000)),
    "quotes": ("abc", tune('"' * 190_000)),
    "braces": ("abc", tune("{" * 190_000)),
    "colons": ("abc", tune(":" * 190_000)),
    "bars": ("abc", tune("|" * 190_000)),
    "plus": ("abc", tune("+a" * 20_000)),
    "chords": ("abc", tune("[" * 190_000)),
    "turns": ("abc", tune("[1," + "1," * 90_000 + "C")),
    "voices": ("abc", tune("\n".join(f"V:{i}\nC" for i in range(20_000)))),
    "splitting spines": (
        "humdrum",
        b"**kern\t**harte\n" + b"\n".join(b"\t".join([b"*^"] * 2**i) for i in range(1, 12)),
    ),
    "times without a common measure": (
        "humdrum",
        ("**kern\t**harte\n" + "".join(f"{p}c\t.\n" for p in PRIMES)).encode(),
    ),
    "notes upon notes": (
        "lead-sheets",
        json.dumps(
            {
                "source": "s",
                "piece": "p",
                "n_frames": 100_000,
                "meters": [[0, "4/4"]],
                "melody": [[0, 100_000, 60]] * 30_000,
                "chords": [],
            }
        ).encode(),
    ),
    "endless numbers": ("lead-sheets", b'{"n_frames": 1e999}'),
    "a deep line": ("lead-sheets", b"[" * 1_000_000),
    "a long chord": ("chord-symbol", b"C" + b"^" * 200_000),
    "a wide table": ("wjd", b"id\n" + b"x" * 200_000),
    "many beats": ("pop909", b"0 1 1\n" * 200_000),
}
READERS = {reader.name: reader for reader in (*SONGS, *JAMS)}


@pytest.mark.parametrize("name", SCORES)
def test_songs_that_attack_are_refused(name: str) -> None:
    reader, data = SCORES[name]
    verdict = judge(READERS[reader], data)
    assert verdict.kind == "refused", f"{verdict.kind} {verdict.fault}\n{verdict.detail}"


def test_what_musicians_write_is_exact() -> None:
    """It is far from the limit: tuplets of five, seven and nine in one bar."""
    lines = ["X:1", "M:4/4", "L:1/16", "K:C", "(7:8:7CDEFGAB(5:4:5CDEFG(9:4:9CDEFGABcd|"]
    assert parse_tune("1", lines).measures[0].length == 8 + 4 + 4


def archive(*members: tuple[str, int, bytes]) -> bytes:
    """A .tar of headers with these names, sizes (whatever they are) and types."""
    blocks = b""
    for name, size, type_ in members:
        header = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
        header[124:136] = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
        header[156:157] = type_
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        blocks += bytes(header)
    return blocks + bytes(1024)


@pytest.mark.parametrize(
    "members",
    [
        [("a.abc", -512, b"0")],
        [("a.abc", 0, b"0"), ("b.abc", -1024, b"0")],
        [("a.abc", 8**11 - 1, b"0")],
        [("a.abc", 8**10, b"x")],
        [("a.abc", 8**10, b"L")],
        [("a.abc", 8**10, b"5")],
    ],
)
def test_archives_that_attack_are_refused(members: list[tuple[str, int, bytes]]) -> None:
    verdict = judge(READERS["song-archive"], archive(*members))
    assert verdict.kind == "refused", f"{verdict.kind} {verdict.fault}\n{verdict.detail}"


def test_chords_of_long_notes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many notes over the whole song would be looked at in every beat."""
    monkeypatch.setattr("models.corpora.chord_finder._MAX_BEATS_OF_NOTES", 10_000)
    whole = [(i % 16, 90_000, 40 + i % 12) for i in range(2)]
    data = midi_file({"Melody": SCALE, "Chords": whole}, [], [])
    with pytest.raises(BadInput, match="at once"):
        midi_draft("songs", "x", data)


# -- sessions


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d | {"takes": 5},
        lambda d: d | {"takes": 1.5},
        lambda d: d | {"tempo": [[0, 0.0, 99.0, "4/4", 1, 0]]},
        lambda d: d | {"tempo": [[0, 0.0, 99.0, "4/4", 0, 0], [8, 500.0, 99.0, "4/4", 0, 0]]},
        lambda d: d | {"tempo": [[0, 0.0, 99.0, "4/4", 0, 0], [8, 1.0, 99.0, "4/4", 0, 99]]},
        lambda d: d | {"notes": [[1, 60, 80, 0.0, 500_000.0]]},
        lambda d: d | {"session": d["session"] | {"length_s": 80_000.0}},
        lambda d: d | {"settings": [[0.0, {"palette": ["maj7"] * 1000}]]},
        lambda d: d | {"settings": [[0.0, {"accompaniment": "\x1b[2J"}]]},
        lambda d: d | {"settings": [[0.0, {}]] * 30_000},
    ],
)
def test_a_session_that_could_not_be_used_is_refused(
    spoil: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    data = json.loads(READERS["session"].seeds()[0])
    verdict = judge(READERS["session"], json.dumps(spoil(data)).encode())
    assert verdict.kind == "refused", f"{verdict.kind} {verdict.fault}\n{verdict.detail}"


def test_what_json_could_make_of_a_file_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"[" + b"[]," * 9_000_000 + b"0]")
    with pytest.raises(BadInput, match="lists and objects"):
        read_json(path)


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
STRANGE = {
    "a view without end": (
        "ALTER TABLE tags RENAME TO t;"
        f" CREATE VIEW tags AS {ENDLESS} SELECT 1 AS session_id, 'a' AS tag FROM c"
    ),
    "a frame far away": "UPDATE OR IGNORE frames SET frame = 4611686018427387904 WHERE frame = 9",
    "a rating": "PRAGMA ignore_check_constraints = ON; UPDATE sessions SET rating = 2000000000",
    "a key": "UPDATE sessions SET tonic = 99, minor = 0",
    "a title": "UPDATE sessions SET title = char(27) || '[2J' || hex(zeroblob(100000))",
    "deep settings": "UPDATE settings SET data = replace(hex(zeroblob(5000)), '0', '[')",
    "deep counters": "INSERT INTO counters VALUES (1, 0, 0, replace(hex(zeroblob(5000)),'0','['))",
    "another table": "CREATE TABLE x (y); CREATE TRIGGER z AFTER DELETE ON x BEGIN SELECT 1; END",
    "a long seed": "UPDATE sessions SET seed = replace(hex(zeroblob(5000)), '0', '9')",
    "text for numbers": "UPDATE notes SET pitch = 'x', velocity = 'y', start_s = 'z'",
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("theirs") / "x.sqlite3"
    with Library(path) as library:
        library.add(made_session(played_tune(8)))
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("reader", ["library", "own-library"])
def test_a_strange_library_is_read_in_part(
    name: str, reader: str, theirs: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(theirs)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(STRANGE[name])
    verdict = judge(READERS[reader], path.read_bytes())
    assert verdict.kind == "accepted", f"{verdict.kind} {verdict.fault}\n{verdict.detail}"


def test_pages_in_a_circle_are_not_read_for_ever(theirs: bytes, tmp_path: Path) -> None:
    """A table whose inner page leads to the same page hundreds of times, and that to itself."""
    path = tmp_path / "x.sqlite3"
    path.write_bytes(theirs)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO frames SELECT 1, frame + 1000, melody, chord FROM frames")
        for n in range(6):
            db.execute(
                f"INSERT INTO frames SELECT 1, frame + {2000 << n}, 0, 0 FROM frames"
                " WHERE frame > 999"
            )
        db.commit()
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'frames'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    page = (root - 1) * size
    assert data[page] == 2, "an inner page of an index"
    cells = int.from_bytes(data[page + 3 : page + 5], "big")
    for cell in range(cells):
        at = int.from_bytes(data[page + 12 + 2 * cell : page + 14 + 2 * cell], "big")
        data[page + at : page + at + 4] = root.to_bytes(4, "big")
    verdict = judge(READERS["library"], bytes(data))
    assert verdict.kind in ("accepted", "refused"), f"{verdict.kind} {verdict.fault}"


def test_a_journal_beside_a_library_is_not_obeyed(theirs: bytes, tmp_path: Path) -> None:
    """A rollback journal names a file that SQLite would remove once the library is in order."""
    victim, path = tmp_path / "victim.txt", tmp_path / "theirs.sqlite3"
    victim.write_bytes(b"\0" * 10)
    path.write_bytes(theirs)
    named = str(victim).encode()
    magic = bytes.fromhex("d9d505f920a163d7")
    header = magic + b"\0\0\0\0" + b"\0\0\0\0" + (1).to_bytes(4, "big")
    header += (512).to_bytes(4, "big") + (4096).to_bytes(4, "big")
    tail = (262145).to_bytes(4, "big") + named + len(named).to_bytes(4, "big")
    tail += sum(named).to_bytes(4, "big") + magic
    journal = path.with_name(path.name + "-journal")
    journal.write_bytes(header.ljust(512, b"\0") + tail)
    with Library(tmp_path / "own.sqlite3") as library:
        assert import_file(library, path)
    assert victim.exists() and journal.exists() and path.read_bytes() == theirs


def test_a_search_for_anything_finds_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    with Library(tmp_path / "own.sqlite3") as library:
        library.add(made_session(played_tune(8)))
        for text in ("\ud800", "%", "_", "*", '"', "x\0y", "a " * 100_000, "\u202e", "' OR 1 --"):
            assert library.sessions(f"nowhere {text}") == ()
