"""CoCoPops: Billboard and Rolling Stone songs in Humdrum.

Arthur & Condit-Schultz, "The Coordinated Corpus of Popular Musics" (ISMIR 2023). The melodies
of the Rolling Stone part have onsets only: a note lasts until the next one, at most half a bar.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.corpora.draft import Draft
from models.corpora.files import Files, decoded
from models.corpora.humdrum import read_humdrum
from models.corpora.score import lay_out

NAME = "cocopops"


def pieces(files: Files) -> list[str]:
    return files.paths(".hum", ".krn")


def read(files: Files, piece: str) -> Iterator[Draft]:
    """The one draft of a file. Raises BadInput."""
    song = read_humdrum(decoded(files.read(piece)))
    laid_out = lay_out(song.measures, range(len(song.measures)))
    draft = Draft(
        NAME,
        piece.rsplit("/", 1)[-1].rsplit(".", 1)[0],
        laid_out.bars,
        laid_out.notes,
        laid_out.chords,
        style="pop",
        bpm=song.bpm(laid_out.bars[0]) if laid_out.bars else None,
    )
    draft.dropped.update(song.dropped)
    draft.dropped.update(laid_out.dropped)
    yield draft
