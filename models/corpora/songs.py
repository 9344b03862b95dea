"""Written music to a draft; shared by the corpora and the user's own files."""

from __future__ import annotations

from collections import Counter

from jam.grid import FRAMES_PER_QUARTER
from models.corpora.abc import Tune
from models.corpora.draft import Draft
from models.corpora.humdrum import read_humdrum
from models.corpora.musicxml import Score
from models.corpora.score import LaidOut, lay_out, played_order


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
