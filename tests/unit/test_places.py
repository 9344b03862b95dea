"""Where the user's files lie, however the system names the place, and who may read them."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jam.files import config_dir, data_dir, library_path, recordings_dir, replacing
from jam.preferences import Preferences, preferences_path, save_preferences
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.sessions.schema import connect_to_read, connect_to_save
from tests.support.recorded import plain_jam

FOLDERS = ("XDG_DATA_HOME", "XDG_CONFIG_HOME")


@pytest.fixture
def easy_umask() -> Iterator[None]:
    """As most systems have it: what is made can be read by everyone."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[Path]:
    """What below a folder another user could read, if the folders were open."""
    return [file for file in folder.rglob("*") if file.is_file() and file.stat().st_mode & 0o077]


@pytest.mark.parametrize("name", ["a folder", "?mode=ro#", "100%41", "×", "a:b", "&immutable=1"])
@pytest.mark.parametrize("slashes", ["/", "//", "///"])
def test_a_folder_of_any_name_has_a_library(
    slashes: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", slashes + str(tmp_path / name).lstrip("/"))
    with Library() as library:
        assert library.writable and not library.sessions()
    assert (tmp_path / name / "jam" / "sessions.sqlite3").stat().st_size
    connect_to_read(library_path()).close()
    connect_to_save(library_path()).close()


def test_a_library_is_named_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Library(Path("here.sqlite3")).close()
    assert (tmp_path / "here.sqlite3").stat().st_size


def test_folders_that_are_not_named_from_the_root_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the XDG Base Directory Specification wants it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in FOLDERS:
        monkeypatch.setenv(variable, "here")
    assert data_dir() == tmp_path / "home" / ".local" / "share" / "jam"
    assert config_dir() == tmp_path / "home" / ".config" / "jam"
    assert [place.name for place in tmp_path.iterdir()] == ["home"]


@pytest.mark.usefixtures("easy_umask")
def test_nobody_else_reads_what_was_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in FOLDERS:
        monkeypatch.setenv(variable, str(tmp_path / variable))
    writer = SessionWriter()
    for log in plain_jam(2.0, ended=True):
        writer.take_log(log)
    writer.close()
    save_preferences(Preferences())
    recordings_dir()
    made = [data_dir(), config_dir(), recordings_dir()]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3
    assert open_to_others(tmp_path) == [preferences_path()]  # its folder is closed
    with Library() as library:  # as are its journals
        library.rename(1, "mine")
        assert open_to_others(data_dir()) == []


@pytest.mark.usefixtures("easy_umask")
def test_a_rescued_jam_is_its_players_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "no folder").touch()
    writer = SessionWriter(tmp_path / "no folder" / "sessions.sqlite3")
    for log in plain_jam(2.0, ended=True):
        writer.take_log(log)
    writer.close()
    (rescued,) = tmp_path.glob("jam-rescued-*")
    assert str(rescued) in writer.trouble and not rescued.stat().st_mode & 0o077
    with Library(rescued) as library:
        assert len(library.sessions()) == 1


@pytest.mark.usefixtures("easy_umask")
def test_a_file_that_is_replaced_stays_as_closed_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "song.mid"
    file.touch(0o600)
    with replacing(file) as unfinished:
        unfinished.write_bytes(b"new")
    assert file.read_bytes() == b"new" and stat.S_IMODE(file.stat().st_mode) == 0o600
