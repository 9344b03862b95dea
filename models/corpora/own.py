"""A user's own songs: MusicXML, ABC, MIDI, Humdrum and JSONL files in any folders."""

from __future__ import annotations

from collections.abc import Iterator

from jam.errors import BadInput
from models.corpora.abc import parse_tune, split_tunes
from models.corpora.draft import Draft
from models.corpora.files import Files, decoded
from models.corpora.midi import midi_draft
from models.corpora.musicxml import read_score
from models.corpora.songs import abc_draft, humdrum_draft, score_draft
from models.leadsheet import LeadSheet, from_json

NAME = "songs"
MUSICXML = (".musicxml", ".xml", ".mxl")
MIDI = (".mid", ".midi")
HUMDRUM = (".hum", ".krn")
SUFFIXES = (*MUSICXML, *MIDI, *HUMDRUM, ".abc", ".jsonl")


def pieces(files: Files) -> list[str]:
    return files.paths(*SUFFIXES)


def read(
    files: Files, piece: str, style: str = "any"
) -> Iterator[Draft | LeadSheet | tuple[str, BadInput]]:
    """The lead sheets of one file, by the end of its name. Raises BadInput."""
    name = piece.lower()
    data = files.read(piece)
    if name.endswith(MUSICXML):
        yield score_draft(NAME, piece, read_score(data), style)
    elif name.endswith(MIDI):
        yield midi_draft(NAME, piece, data, style)
    elif name.endswith(HUMDRUM):
        yield humdrum_draft(NAME, piece, decoded(data), style)
    elif name.endswith(".abc"):
        yield from _tunes(piece, decoded(data), style)
    elif name.endswith(".jsonl"):
        for number, line in enumerate(decoded(data).splitlines(), 1):
            if line.strip():
                try:
                    yield from_json(line, f"{piece}:{number}")
                except BadInput as error:
                    yield f"{piece}:{number}", error
    else:
        raise BadInput(f"{piece}: not one of {', '.join(SUFFIXES)}")


def _tunes(piece: str, text: str, style: str) -> Iterator[Draft | tuple[str, BadInput]]:
    tunes = split_tunes(text)
    if not tunes:
        raise BadInput("no tune in it (no X: field)")
    for number, lines in tunes:
        title = f"{piece}#{number}"
        try:
            yield abc_draft(NAME, title, parse_tune(number, lines), style)
        except BadInput as error:
            yield title, error
