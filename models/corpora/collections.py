"""A user's own songs: MusicXML, ABC, MIDI, Humdrum and JSONL files in any folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jam.errors import BadInput
from jam.music.grid import FRAMES_PER_QUARTER
from jam.music.repeats import played_order
from models.corpora.abc import Tune, parse_tune, split_tunes
from models.corpora.draft import Draft
from models.corpora.files import Files, decoded
from models.corpora.humdrum import read_humdrum
from models.corpora.midi import midi_draft
from models.corpora.musicxml import Score, read_score
from models.corpora.score import LaidOut, lay_out
from models.data.leadsheet import LeadSheet, from_json

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


def played_parts(tune: Tune) -> list[int]:
    """The measures in the order in which they are played, by the header's P: where it has one."""
    starts = sorted((index, name) for name, index in tune.part_starts.items())
    if not tune.parts or any(name not in tune.part_starts for name in tune.parts):
        return played_order(tune.measures)
    ends = [index for index, _ in starts[1:]] + [len(tune.measures)]
    spans = {name: (start, end) for (start, name), end in zip(starts, ends, strict=True)}
    order: list[int] = []
    for name in tune.parts:
        start, end = spans[name]
        order.extend(start + i for i in played_order(tune.measures[start:end]))
    return order


def abc_draft(source: str, piece: str, tune: Tune, style: str = "any") -> Draft:
    """Raises BadInput where the repeats have no end."""
    laid_out = lay_out(tune.measures, played_parts(tune))
    return _draft(source, piece, laid_out, style, tune.quarter_bpm, tune.dropped)


def score_draft(source: str, piece: str, score: Score, style: str = "any") -> Draft:
    """Raises BadInput where the repeats have no end."""
    laid_out = lay_out(score.measures)
    return _draft(source, piece, laid_out, style, score.quarter_bpm, score.dropped)


def humdrum_draft(source: str, piece: str, text: str, style: str = "any") -> Draft:
    """A Humdrum file is played as it stands. Raises BadInput."""
    song = read_humdrum(text)
    laid_out = lay_out(song.measures, range(len(song.measures)))
    draft = _draft(source, piece, laid_out, style, None, song.dropped)
    draft.bpm = song.bpm(laid_out.bars[0]) if laid_out.bars else None
    return draft


def _draft(
    source: str,
    piece: str,
    laid_out: LaidOut,
    style: str,
    quarter_bpm: float | None,
    dropped: Counter[str],
) -> Draft:
    bpm = None
    if quarter_bpm and laid_out.bars:
        bpm = round(quarter_bpm * FRAMES_PER_QUARTER / laid_out.bars[0].frames_per_beat, 2)
    draft = Draft(
        source, piece, laid_out.bars, laid_out.notes, laid_out.chords, style=style, bpm=bpm
    )
    draft.dropped.update(dropped)
    draft.dropped.update(laid_out.dropped)
    return draft
