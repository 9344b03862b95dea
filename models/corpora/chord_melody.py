"""The chord-melody corpus: pop and jazz lead sheets in MusicXML, one file a song."""

from __future__ import annotations

from collections.abc import Iterator

from jam.music.grid import FRAMES_PER_QUARTER
from models.corpora.collections import score_draft
from models.corpora.draft import Draft
from models.corpora.files import Files
from models.corpora.musicxml import read_score, snapped

NAME = "chord-melody"


def pieces(files: Files) -> list[str]:
    return files.paths(".xml", ".musicxml", ".mxl")


def read(files: Files, piece: str) -> Iterator[Draft]:
    """The one draft of a file. Raises BadInput."""
    score = read_score(files.read(piece))
    # The sheets were scanned: a symbol's offset says where it was printed, not when it sounds.
    snapped(score.measures, FRAMES_PER_QUARTER)
    draft = score_draft(NAME, piece.rsplit("/", 1)[-1].rsplit(".", 1)[0], score)
    draft.style = style_of(draft)
    yield draft


def style_of(draft: Draft) -> str:
    """ "jazz" where at least half of the chords have a seventh, else "pop": the corpus has both."""
    chords = [item.chord for item in draft.chords if item.chord is not None]
    sevenths = sum(len(chord.pitch_classes) > 3 for chord in chords)
    return "jazz" if sevenths * 2 >= len(chords) else "pop"
