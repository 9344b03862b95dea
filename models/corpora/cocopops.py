"""CoCoPops: Billboard and Rolling Stone songs in Humdrum.

Arthur & Condit-Schultz, "The Coordinated Corpus of Popular Musics" (ISMIR 2023). The melodies
of the Rolling Stone part have onsets only: a note lasts until the next one, at most half a bar.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.corpora.collections import humdrum_draft
from models.corpora.draft import Draft
from models.corpora.files import Files, decoded

NAME = "cocopops"


def pieces(files: Files) -> list[str]:
    return files.paths(".hum", ".krn")


def read(files: Files, piece: str) -> Iterator[Draft]:
    """The one draft of a file. Raises BadInput."""
    stem = piece.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    yield humdrum_draft(NAME, stem, decoded(files.read(piece)), style="pop")
