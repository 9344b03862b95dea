"""Readers of corpora and of a user's own songs, each to the same `LeadSheet`.

A corpus has a name, `pieces(files)` and `read(files, piece)`; `read` yields drafts, and for a tune
that it can't read its name with the reason. `python -m models.corpora` reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jam.errors import BadInput
from models.corpora import pop909, wjd
from models.corpora.collections import COLLECTIONS, SONGS, Found
from models.corpora.draft import finish
from models.corpora.files import ARCHIVE_SUFFIXES, Files, open_files
from models.data.leadsheet import LeadSheet

Read = Callable[[Files, str], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    pieces: Callable[[Files], list[str]]
    read: Read


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one piece: a lead sheet, or why there is none."""

    piece: str
    sheet: LeadSheet | None = None
    why_not: str = ""
    dropped: Counter[str] = field(default_factory=Counter)
    """What was left out inside the piece, by reason."""
    unread: tuple[str, ...] = ()
    """The chord symbols that could not be read, each with its bar."""


CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(pop909.NAME, pop909.pieces, pop909.read),
        Corpus(wjd.NAME, wjd.pieces, wjd.read),
        *(Corpus(each.name, each.pieces, each.read) for each in COLLECTIONS),
    )
}


# Damage that no reader thought of stops its own piece only.
_DAMAGE = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)


def outcomes(
    corpus: Corpus, files: Files, pieces: Iterable[str] | None = None
) -> Iterator[Outcome]:
    """Every piece in order; broken ones are told, not raised."""
    for piece in corpus.pieces(files) if pieces is None else pieces:
        try:
            for found in corpus.read(files, piece):
                yield _outcome(found)
        except BadInput as error:
            yield Outcome(piece, why_not=str(error))
        except _DAMAGE as error:
            yield Outcome(piece, why_not=f"damaged ({type(error).__name__}: {error})")


def _outcome(found: Found) -> Outcome:
    if isinstance(found, LeadSheet):
        return Outcome(found.piece, found)
    if isinstance(found, tuple):
        return Outcome(found[0], why_not=str(found[1]))
    try:
        return Outcome(found.piece, finish(found), "", found.dropped, tuple(found.unread))
    except BadInput as error:
        return Outcome(found.piece, why_not=str(error))
    except _DAMAGE as error:
        return Outcome(found.piece, why_not=f"damaged ({type(error).__name__}: {error})")


def find_corpora(where: Path) -> list[tuple[Corpus, Path]]:
    """The corpora at a path: itself by its name, those inside it, else the user's own songs.

    Raises BadInput where there is nothing.
    """
    if not where.exists():
        raise BadInput(f"{where}: no such folder or file")
    if (name := _corpus_name(where)) is not None:
        return [(CORPORA[name], where)]
    inside: dict[str, Path] = {}
    if where.is_dir():
        for path in sorted(where.iterdir()):
            name = _corpus_name(path)
            # Where an archive and its unpacked folder lie side by side, the folder is quicker.
            if name is not None and (name not in inside or path.is_dir()):
                inside[name] = path
    return [(CORPORA[name], path) for name, path in inside.items()] or [
        (CORPORA[SONGS.name], where)
    ]


def _corpus_name(where: Path) -> str | None:
    name = where.resolve().name
    for suffix in ARCHIVE_SUFFIXES:
        name = name.removesuffix(suffix)
    return name if name in CORPORA and name != SONGS.name else None


def read_sheets(where: Path, on_drop: Callable[[Outcome], None] | None = None) -> list[LeadSheet]:
    """All lead sheets of a folder, a file or an archive; `on_drop` is told of broken pieces.

    Raises BadInput where nothing can be read at all.
    """
    sheets: list[LeadSheet] = []
    for corpus, path in find_corpora(where):
        for outcome in outcomes(corpus, open_files(path)):
            if outcome.sheet is not None:
                sheets.append(outcome.sheet)
            elif on_drop is not None:
                on_drop(outcome)
    if not sheets:
        raise BadInput(f"{where}: no lead sheet in it (MusicXML, ABC, MIDI, Humdrum or JSONL)")
    return sheets
