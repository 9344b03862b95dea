"""Songs in the library: versions, undo, search, deleting, and a damaged file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.errors import BadInput
from jam.music.song import Song
from jam.sessions.check import check, saved_songs
from jam.sessions.imports import import_file
from jam.sessions.library import Library
from tests.support.examples import examples
from tests.support.strategies import songs, usual_meters

BLUES = read_text("title: My blues\nkey: F\nstyle: jazz\n| F7 | Bb7 | F7 | F7 |").song
WALTZ = read_text("title: A waltz\nmetre: 3/4\n| C | G7 |").song


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "sessions.sqlite3") as library:
        yield library


@examples(15)
@given(st.lists(songs(usual_meters), min_size=1, max_size=6))
def test_every_version_comes_back(
    tmp_path_factory: pytest.TempPathFactory, versions: list[Song]
) -> None:
    with Library(tmp_path_factory.mktemp("library") / "x.sqlite3") as library:
        with library.songs_written() as kept:
            song_id = kept.add(versions[0]).id
            known = [versions[0]]
            for song in versions[1:]:
                kept.change(song_id, song)
                if song != known[-1]:
                    known.append(song)
        with library.songs_written() as kept:
            for song in [*reversed(known[:-1]), known[0]]:
                assert kept.step(song_id, -1) == song
            for song in [*known[1:], known[-1]]:
                assert kept.step(song_id, 1) == song
            kept.step(song_id, -1)
            kept.change(song_id, BLUES)
            assert kept.step(song_id, 1) == BLUES, "what was undone is forgotten"
        assert not check(library.path).findings


def test_songs_are_found_by_every_word(library: Library) -> None:
    with library.songs_written() as kept:
        blues, waltz = kept.add(BLUES), kept.add(WALTZ)
        assert [info.name for info in kept.all()] == ["A waltz", "My blues"]
        assert kept.all("BLUES jazz") == (blues,)
        assert kept.all("3/4") == (waltz,)
        assert not kept.all("blues 3/4")
        changed = kept.change(blues.id, replace(BLUES, title="Yours"))
        assert kept.all("yours") == (changed,)


def test_a_deleted_song_comes_back_until_it_is_purged(library: Library) -> None:
    with library.songs_written() as kept:
        info = kept.add(BLUES)
        kept.delete(info.id)
        assert not kept.all()
        kept.undelete(info.id)
        assert kept.all() == (info,)
        kept.delete(info.id)
    library.purge(-1)
    with library.songs_read() as kept, pytest.raises(BadInput):
        kept.info(info.id)


def test_songs_are_saved_from_a_damaged_library_and_imported_from_another(
    library: Library, tmp_path: Path
) -> None:
    with library.songs_written() as kept:
        kept.add(BLUES)
        kept.delete(kept.add(WALTZ).id)
    assert list(saved_songs(library.path)) == [BLUES]
    with Library(tmp_path / "other.sqlite3") as other:
        told: list[str] = []
        for _ in range(2):
            try:
                import_file(other, library.path, tell=told.append)
            except BadInput:
                assert told, "the first time it has a song that is new"
        with other.songs_read() as kept:
            assert [kept.song(info.id) for info in kept.all()] == [BLUES]
