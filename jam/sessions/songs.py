"""The songs of a library: every song with its versions, found by their words, deleted with undo."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jam.charts.text import read_text, write_text
from jam.checked import checked
from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.limits import LIBRARY_SONGS, SEARCH_WORDS
from jam.music.key import key_name
from jam.music.song import Song
from jam.sessions.values import one_line, shown_text

UNTITLED = "Untitled"
WITH_MELODY = "with melody"
_INFO = "SELECT id, title, about FROM songs"
_KEPT_VERSIONS = 200
"""Older ones of a song are let go."""


@dataclass(frozen=True, slots=True)
class SongInfo:
    """A song as the list shows it. about: composer, key, metre, length, style."""

    id: int
    title: str
    about: str

    @property
    def name(self) -> str:
        return self.title or UNTITLED


def about_song(song: Song) -> str:
    """What is said of a song in a line, beside its title."""
    n_bars = len(song.chorus.bars)
    key = key_name(song.key) if song.key else ""
    length = f"{n_bars} bar" + "s" * (n_bars != 1)
    tune = WITH_MELODY if song.has_tune else ""
    about = (song.composer, key, str(song.meter), length, tune, song.style)
    return " · ".join(filter(None, about))


class Songs:
    """The songs in a library's file; used within the library's lock (`Library.songs_read` and
    `songs_written`). Raises BadInput for a song that isn't there.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self, search: str = "") -> tuple[SongInfo, ...]:
        """Those that have every word of `search`, by title."""
        where, values = "deleted_at IS NULL", []
        for word in one_line(search).casefold().split()[:SEARCH_WORDS]:
            where += " AND instr(words, ?)"
            values.append(word)
        query = f"{_INFO} WHERE {where} ORDER BY title COLLATE NOCASE, id LIMIT {LIBRARY_SONGS}"
        return tuple(_info(*row) for row in self._db.execute(query, values))

    def info(self, song_id: int) -> SongInfo:
        found = self._db.execute(f"{_INFO} WHERE id = ?", (song_id,)).fetchone()
        if found is None:
            raise BadInput(f"no song {song_id}")
        return _info(*found)

    def song(self, song_id: int) -> Song:
        """The song as it is now."""
        found = self._db.execute(
            "SELECT text FROM song_versions JOIN songs ON id = song_id"
            " WHERE id = ? AND song_versions.version = songs.version",
            (song_id,),
        ).fetchone()
        if found is None:
            raise BadInput(f"no song {song_id}")
        return read_text(checked(found[0], str, "song")).song

    def add(self, song: Song) -> SongInfo:
        """Keep a song under a new id."""
        cursor = self._db.execute(
            "INSERT INTO songs (changed_at, title, about, words) VALUES (?, '', '', '')",
            (date_now().isoformat(),),
        )
        assert cursor.lastrowid is not None
        return self._write(cursor.lastrowid, 0, song)

    def change(self, song_id: int, song: Song) -> SongInfo:
        """Another version of a song; those that had been undone are forgotten."""
        version = self._version(song_id)
        if self.song(song_id) == song:
            return self.info(song_id)
        self._db.execute(
            "DELETE FROM song_versions WHERE song_id = ? AND (version > ? OR version < ?)",
            (song_id, version, version - _KEPT_VERSIONS),
        )
        return self._write(song_id, version + 1, song)

    def step(self, song_id: int, by: int) -> Song:
        """The version before (-1), or the one that was undone last (1); the same where there is
        none.
        """
        version = self._version(song_id) + by
        there = self._db.execute(
            "SELECT count(*) FROM song_versions WHERE song_id = ? AND version = ?",
            (song_id, version),
        ).fetchone()[0]
        if there:
            self._db.execute("UPDATE songs SET version = ? WHERE id = ?", (version, song_id))
            self._describe(song_id, self.song(song_id))
        return self.song(song_id)

    def delete(self, song_id: int) -> SongInfo:
        """Out of the list; `undelete` brings it back, until `purge`."""
        return self._mark(song_id, date_now().isoformat())

    def undelete(self, song_id: int) -> SongInfo:
        return self._mark(song_id, None)

    def purge(self, deleted_before: str) -> None:
        self._db.execute("DELETE FROM songs WHERE deleted_at <= ?", (deleted_before,))

    def _mark(self, song_id: int, deleted_at: str | None) -> SongInfo:
        self._db.execute("UPDATE songs SET deleted_at = ? WHERE id = ?", (deleted_at, song_id))
        return self.info(song_id)

    def _version(self, song_id: int) -> int:
        found = self._db.execute("SELECT version FROM songs WHERE id = ?", (song_id,)).fetchone()
        if found is None:
            raise BadInput(f"no song {song_id}")
        return int(checked(found[0], int, "version"))

    def _write(self, song_id: int, version: int, song: Song) -> SongInfo:
        self._db.execute(
            "INSERT INTO song_versions VALUES (?, ?, ?)", (song_id, version, write_text(song))
        )
        self._db.execute("UPDATE songs SET version = ? WHERE id = ?", (version, song_id))
        self._describe(song_id, song)
        return self.info(song_id)

    def _describe(self, song_id: int, song: Song) -> None:
        about = about_song(song)
        self._db.execute(
            "UPDATE songs SET changed_at = ?, title = ?, about = ?, words = ? WHERE id = ?",
            (
                date_now().isoformat(),
                song.title,
                about,
                f"{song.title or UNTITLED} {about}".casefold(),
                song_id,
            ),
        )


def _info(song_id: Any, title: Any, about: Any) -> SongInfo:
    return SongInfo(checked(song_id, int, "id"), shown_text(title), shown_text(about))


def songs_in(db: sqlite3.Connection, foreign: Iterable[str] = ()) -> Iterator[Song]:
    """Every song that can be read in a file that may be damaged, as it was last."""
    if {"songs", "song_versions"} & set(foreign):
        return
    with suppress(sqlite3.DatabaseError):
        found = db.execute(
            "SELECT text FROM song_versions JOIN songs ON id = song_id WHERE deleted_at IS NULL"
            f" AND song_versions.version = songs.version LIMIT {LIBRARY_SONGS}"
        )
        for (text,) in found:
            with suppress(JamError):
                yield read_text(checked(text, str, "song")).song
