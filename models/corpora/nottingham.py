"""The Nottingham folk tunes in ABC: files of many tunes, each tune a piece `FILE.abc#X`."""

from __future__ import annotations

from collections.abc import Iterator

from jam.errors import BadInput
from models.corpora.abc import parse_tune, split_tunes
from models.corpora.collections import abc_draft
from models.corpora.draft import Draft
from models.corpora.files import Files, decoded

NAME = "nottingham"


def pieces(files: Files) -> list[str]:
    """The files; each holds many tunes."""
    return files.paths(".abc")


def read(files: Files, piece: str) -> Iterator[Draft | tuple[str, BadInput]]:
    """The tunes of one file, in order; for one that can't be read its name and why."""
    name = piece.rsplit("/", 1)[-1]
    for number, lines in split_tunes(decoded(files.read(piece))):
        title = f"{name}#{number}"
        try:
            yield abc_draft(NAME, title, parse_tune(number, lines), style="folk")
        except BadInput as error:
            yield title, error
