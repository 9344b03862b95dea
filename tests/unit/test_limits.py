"""What may be read at all: limits of size, and what only looks like a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jam.accompaniment.styles import read_style
from jam.audio.soundfonts import check_soundfont
from jam.audio.synth import Synth
from jam.errors import BadInput, JamError
from jam.files import check_file, read_limited, soundfont_path
from jam.limits import KIB, WEIGHTS_SETTINGS_BYTES
from jam.midi.file import read_midi
from jam.preferences import Preferences, load_preferences
from models.network.weights import read_arrays, read_json

READERS = {
    "midi": (read_midi, "x.mid"),
    "style": (read_style, "x.toml"),
    "weights": (read_arrays, "x.safetensors"),
    "weights settings": (read_json, "x.json"),
    "soundfont": (check_soundfont, "x.sf2"),
    "bytes": (lambda path: read_limited(path, KIB), "x"),
}


@pytest.fixture(params=READERS)
def refused(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Checks that a reader refuses what lies at the path, in one line with its name."""
    read, name = READERS[request.param]
    path = tmp_path / name

    def check(why: str) -> None:
        with pytest.raises(BadInput) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ") and why in str(caught.value)

    return path, check


def test_what_is_no_file_is_not_waited_for(refused) -> None:  # type: ignore[no-untyped-def]
    path, check = refused
    check("no such file")
    os.mkfifo(path)
    check("not a file")
    path.unlink()
    path.mkdir()
    check("not a file")
    path.rmdir()
    path.symlink_to("/dev/zero")
    check("not a file")


def test_a_huge_file_is_refused_before_it_is_read(refused) -> None:  # type: ignore[no-untyped-def]
    path, check = refused
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    check("larger than")


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(KIB))
    assert len(read_limited(path, KIB)) == KIB
    path.write_bytes(bytes(KIB + 1))
    with pytest.raises(BadInput, match="larger than 1 KiB"):
        check_file(path, KIB)
    with pytest.raises(BadInput, match="larger than 1 MiB"):
        path.write_bytes(bytes(WEIGHTS_SETTINGS_BYTES + 1))
        read_json(path)


def test_the_settings_are_set_aside_where_they_are_no_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for make in (lambda: os.mkfifo(path), path.mkdir, lambda: path.write_bytes(bytes(1 << 21))):
        make()
        preferences, complaint = load_preferences(path)
        assert preferences == Preferences()
        assert "set aside" in complaint and complaint.count(str(path)) == 2
        aside = tmp_path / "settings.json.broken"
        aside.rmdir() if aside.is_dir() else aside.unlink()


def test_messages_are_one_line_that_can_be_shown() -> None:
    said = str(JamError("a\nb\ud800\x1b[2J" + "x" * 10_000 + " end"))
    assert said.startswith("a b") and said.endswith(" end")
    assert said.isprintable() and len(said) < 600


def test_a_soundfont_that_is_not_all_there(tmp_path: Path) -> None:
    whole = soundfont_path().read_bytes()
    check_soundfont(soundfont_path())
    path = tmp_path / "cut.sf3"
    for data, why in (
        (b"", "not a SoundFont"),
        (b"RIFF\x04\0\0\0sfbk", "its samples, its instruments missing"),
        (whole[:1000], "truncated"),
        (whole[: len(whole) // 2], "truncated"),
        (whole[:-1], "truncated"),
        (b"RIFF" + bytes(4) + b"DLS " + whole[12:3000], "not a SoundFont"),
        (b"RIFF\xff\xff\xff\xffsfbk" + b"abcd\0\0\0\0" * 10_000, "missing"),
    ):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=why) as caught:
            Synth(soundfont=path)
        assert str(path) in str(caught.value)
