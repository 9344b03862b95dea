"""Collections of songs in files: a user's own, and the corpora that are nothing but that.

Any folder of MusicXML, ABC, MIDI, Humdrum and JSONL files is read as "songs". A row of COLLECTIONS
reads a corpus that is known by its name: which files, what its pieces are called, their style.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jam.errors import BadInput
from jam.files import decoded
from jam.music.grid import FRAMES_PER_QUARTER
from jam.music.repeats import played_order
from models.corpora.abc import Tune, parse_tune, split_tunes
from models.corpora.chord_finder import find_chords
from models.corpora.draft import Draft
from models.corpora.files import Files
from models.corpora.humdrum import read_humdrum
from models.corpora.midi import midi_draft
from models.corpora.musicxml import Score, read_score, snapped
from models.corpora.score import LaidOut, Losses, lay_out
from models.data.leadsheet import LeadSheet, from_json

MUSICXML = (".musicxml", ".xml", ".mxl")
MIDI = (".mid", ".midi", ".kar", ".rmi")
HUMDRUM = (".hum", ".krn")
ABC = (".abc",)
JSONL = ".jsonl"
SUFFIXES = (*MUSICXML, *MIDI, *HUMDRUM, *ABC, JSONL)

Found = Draft | LeadSheet | tuple[str, BadInput]
"""A draft, or what stood in a JSONL file, or the name of what can't be read, and why."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Files that are read alike. `whole_path`: a piece is called by its path, else by its name."""

    name: str
    suffixes: tuple[str, ...]
    style: str = "any"
    whole_path: bool = False
    mend: Callable[[Score], None] | None = None
    """What has to be put right in every score of a corpus."""
    style_of: Callable[[Draft], str] | None = None

    def pieces(self, files: Files) -> list[str]:
        """The files; a score from which a JSONL file beside it was made is not read twice."""
        paths = files.paths(*self.suffixes)
        made = _pieces_of_jsonl(files, paths)
        return [path for path in paths if path.endswith(JSONL) or not _stands_in(path, made)]

    def read(self, files: Files, piece: str) -> Iterator[Found]:
        """The lead sheets of one file, by the end of its name. Raises BadInput."""
        name = piece.lower()
        data = files.read(piece)
        called = piece if self.whole_path else piece.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        if name.endswith(MUSICXML):
            score = read_score(data)
            if self.mend is not None:
                self.mend(score)
            yield self._styled(score_draft(self.name, called, score, self.style))
        elif name.endswith(MIDI):
            yield self._styled(midi_draft(self.name, called, data, self.style))
        elif name.endswith(HUMDRUM):
            yield self._styled(humdrum_draft(self.name, called, decoded(data), self.style))
        elif name.endswith(ABC):
            file = piece if self.whole_path else piece.rsplit("/", 1)[-1]
            yield from self._tunes(file, decoded(data))
        elif name.endswith(JSONL):
            for number, line in enumerate(decoded(data).splitlines(), 1):
                if line.strip():
                    try:
                        yield from_json(line, f"{piece}:{number}")
                    except BadInput as error:
                        yield f"{piece}:{number}", error
        else:
            raise BadInput(f"{piece}: not one of {', '.join(SUFFIXES)}")

    def _styled(self, draft: Draft) -> Draft:
        if self.style_of is not None:
            draft.style = self.style_of(draft)
        return draft

    def _tunes(self, file: str, text: str) -> Iterator[Found]:
        tunes = split_tunes(text)
        if not tunes:
            raise BadInput("no tune in it (no X: field)")
        for number, lines in tunes:
            title = f"{file}#{number}"
            try:
                yield abc_draft(self.name, title, parse_tune(number, lines), self.style)
            except BadInput as error:
                yield title, error


def _pieces_of_jsonl(files: Files, paths: list[str]) -> set[str]:
    """What the pieces in the JSONL files are called."""
    names: set[str] = set()
    for path in paths:
        if path.endswith(JSONL):
            found = re.findall(rb'"piece":\s*("(?:[^"\\]|\\.){1,2000}")', files.read(path))
            for text in found:
                try:
                    names.add(unicodedata.normalize("NFC", json.loads(text)))
                except ValueError:
                    continue
    return names


def _stands_in(path: str, pieces: set[str]) -> bool:
    """Whether the end of a path, or of its folder, is the name of one of the pieces."""
    if not pieces:
        return False
    stem = unicodedata.normalize("NFC", path.rsplit(".", 1)[0])
    for name in (stem, stem.rpartition("/")[0]):
        while name:
            if name in pieces:
                return True
            name = name.partition("/")[2]
    return False


def jazz_or_pop(draft: Draft) -> str:
    """ "jazz" where at least half of the chords have a seventh, else "pop": the corpus has both."""
    chords = [item.chord for item in draft.chords if item.chord is not None]
    sevenths = sum(len(chord.pitch_classes) > 3 for chord in chords)
    return "jazz" if sevenths * 2 >= len(chords) else "pop"


def _on_quarters(score: Score) -> None:
    """The sheets were scanned: a symbol's offset says where it was printed, not when it sounds."""
    snapped(score.measures, FRAMES_PER_QUARTER)


SONGS = Collection("songs", SUFFIXES, whole_path=True)
COLLECTIONS = (
    SONGS,
    # British and American folk tunes.
    Collection("nottingham", ABC, "folk"),
    # Old-time and session tunes.
    Collection("old-time-rjl20", ABC, "folk"),
    Collection("tuneworks-jw35", ABC, "folk"),
    # Pop and jazz lead sheets, one file a song.
    Collection("chord-melody", MUSICXML, mend=_on_quarters, style_of=jazz_or_pop),
    # Arthur & Condit-Schultz, "The Coordinated Corpus of Popular Musics" (ISMIR 2023). The melodies
    # of the Rolling Stone part have onsets only: a note lasts until the next, at most half a bar.
    Collection("cocopops", HUMDRUM, "pop"),
)


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
    return _draft(source, piece, laid_out, style, tune.quarter_bpm, tune.losses)


def score_draft(source: str, piece: str, score: Score, style: str = "any") -> Draft:
    """Raises BadInput where the repeats have no end."""
    laid_out = lay_out(score.measures)
    return _draft(source, piece, laid_out, style, score.quarter_bpm, score.losses)


def humdrum_draft(source: str, piece: str, text: str, style: str = "any") -> Draft:
    """Raises BadInput."""
    song = read_humdrum(text)
    laid_out = lay_out(song.measures, song.order())
    draft = _draft(source, piece, laid_out, style, None, song.losses)
    draft.bpm = song.bpm(laid_out.bars[0]) if laid_out.bars else None
    return draft


FOUND_IN_VOICES = "chords found in the voices"


def _draft(
    source: str,
    piece: str,
    laid_out: LaidOut,
    style: str,
    quarter_bpm: float | None,
    losses: Losses,
) -> Draft:
    bpm = None
    if quarter_bpm and laid_out.bars:
        bpm = round(quarter_bpm * FRAMES_PER_QUARTER / laid_out.bars[0].frames_per_beat, 2)
    draft = Draft(
        source, piece, laid_out.bars, laid_out.notes, laid_out.chords, style=style, bpm=bpm
    )
    draft.dropped.update(losses.counts)
    draft.dropped.update(laid_out.dropped)
    draft.unread.extend(losses.unread)
    if not any(item.chord for item in draft.chords) and laid_out.under:
        draft.chords = find_chords([*laid_out.notes, *laid_out.under], laid_out.bars)
        draft.dropped[FOUND_IN_VOICES] += len(draft.chords)
    return draft
