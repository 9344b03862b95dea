"""The Weimar Jazz Database: transcribed solos with the changes they were played over.

Pfleiderer et al. (eds.), "Inside the Jazzomat" (2017). Three tables: `events.csv` (a note a
row: bar, beat, tatum of `division` parts of the beat, pitch, `articulation` = sounding part of
the time to the next onset), `beats.csv` (a beat a row, with its chord), `solos.csv`.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from jam.errors import BadInput
from jam.files import decoded
from jam.limits import TABLE_ROWS
from jam.music.chord_notation import parse_symbol
from jam.music.grid import FRAMES_PER_QUARTER, Meter
from jam.music.swing import SWUNG
from models.corpora.draft import Draft, DraftChord, DraftNote
from models.corpora.files import Files

NAME = "wjd"
Table = dict[str, list[dict[str, str]]]

_LONGEST_LAST_NOTE_BEATS = 1.0
_MAX_COLUMNS = 200


def pieces(files: Files) -> list[str]:
    """The solos' ids."""
    return sorted(_tables(files)[0])


def read(files: Files, piece: str) -> Iterator[Draft]:
    """The one draft of a solo. Raises BadInput."""
    solos, all_beats, all_events = _tables(files)
    solo, beats, events = solos[piece][0], all_beats.get(piece), all_events.get(piece)
    if not beats or not events:
        raise BadInput("no beats or no notes")
    try:
        yield _draft(piece, solo, beats, events)
    except (KeyError, ValueError, ArithmeticError, TypeError) as error:
        raise BadInput(f"a damaged row ({error})") from None


def _draft(
    piece: str, solo: dict[str, str], beats: list[dict[str, str]], events: list[dict[str, str]]
) -> Draft:
    bars, beat_index = _bars(beats)
    draft = Draft(NAME, piece, bars, [], [], style="jazz", bpm=_bpm(solo.get("avgtempo")))
    swing = "SWING" in solo["rhythmfeel"] or solo["rhythmfeel"] == "TWOBEAT"
    placed: list[tuple[int, float, float, int]] = []
    for event in events:
        index = beat_index.get((int(event["bar"]), int(event["beat"])))
        if index is None:
            draft.dropped["notes outside the beats"] += 1
            continue
        part = (int(event["tatum"]) - 1) / int(event["division"])
        placed.append(
            (index, part, float(event["articulation"] or 1), round(float(event["pitch"])))
        )
    placed.sort(key=lambda n: (n[0], n[1]))
    per_beat: dict[int, int] = defaultdict(int)
    for index, *_ in placed:
        per_beat[index] += 1
    # Two notes in a swung beat are eighths however late the second comes; three are a triplet.
    starts = [
        index + (0.5 if swing and per_beat[index] < 3 and SWUNG[0] < part < SWUNG[1] else part)
        for index, part, _, _ in placed
    ]
    ends = [*starts[1:], (starts[-1] if starts else 0) + _LONGEST_LAST_NOTE_BEATS]
    for (_, _, articulation, pitch), start, end in zip(placed, starts, ends, strict=True):
        sounding = start + (end - start) * min(1.0, max(0.0, articulation))
        draft.notes.append(
            DraftNote(start * FRAMES_PER_QUARTER, sounding * FRAMES_PER_QUARTER, pitch)
        )
    for row in beats:
        label = (row["chord"] or "").strip()
        if not label:
            continue
        at = beat_index[int(row["bar"]), int(row["beat"])] * FRAMES_PER_QUARTER
        try:
            draft.chords.append(DraftChord(at, parse_symbol(label)[0], label))
        except ValueError:
            draft.dropped["chords not read"] += 1
    return draft


def _bpm(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _bars(beats: list[dict[str, str]]) -> tuple[list[Meter], dict[tuple[int, int], int]]:
    """The bars, and (bar, beat) of the source to the beat's index from the first bar line."""
    by_bar: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in beats:
        by_bar[int(row["bar"])].append((int(row["beat"]), int(row["period"])))
    bars: list[Meter] = []
    index: dict[tuple[int, int], int] = {}
    at = 0
    for bar in sorted(by_bar):
        size = max(max(beat, period) for beat, period in by_bar[bar])
        for beat, _ in by_bar[bar]:
            index[bar, beat] = at + beat - 1
        at += size
        bars.append(Meter(size, 4))
    if all(meter.numerator == 1 for meter in bars):
        # Solos without a fixed metre are counted in beats; a whole number of 4/4 holds them.
        bars = [Meter(4, 4)] * -(-at // 4)
    return bars, index


def _table(files: Files, name: str) -> Table:
    """Rows of one table by solo, in order."""
    try:
        (path,) = files.paths(name)
    except ValueError:
        raise BadInput(f"{files.where}: no {name}") from None
    rows: Table = defaultdict(list)
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(decoded(files.read(path))))):
            if number >= TABLE_ROWS or len(row) > _MAX_COLUMNS:
                raise BadInput(f"{files.where}: {path}: a table larger than {TABLE_ROWS:,} rows")
            rows[row.get("id") or ""].append(row)
    except csv.Error as error:
        raise BadInput(f"{files.where}: {path}: {error}") from None
    return dict(rows)


@lru_cache(maxsize=2)
def _tables(files: Files) -> tuple[Table, Table, Table]:
    """Solos, beats and events by the solo's id."""
    return _table(files, "solos.csv"), _table(files, "beats.csv"), _table(files, "events.csv")
