"""`jam practice` and `jam stats`: what was played, told; how much, by day and song."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from jam.cli.sessions import open_library, session_id
from jam.files import whole
from jam.practice.report import Report, late_text, sentences
from jam.practice.timing import Level
from jam.sessions.practised import (
    COLUMNS,
    Together,
    before,
    columns_of,
    csv_text,
    days_of,
    delete_days,
    parse_days,
    report_of_session,
)

NOTHING_YET = "Nothing was recorded yet."
_WIDTH = 30
_SHOWN_MS = 60.0
"""The curve reaches so far to either side."""


def tell(args: argparse.Namespace) -> int:
    """`jam practice ID`: a take's notes beside beat, chords and the last time."""
    args.what = "show"
    with open_library(args) as library:
        number = session_id(library, args.id)
        session = library.session(number)
        report = report_of_session(session)
        last = before(library, session)
        print(session.info.name)
        for sentence in sentences(report, report_of_session(last) if last else None):
            print(f"  {sentence}")
        if report.timing is not None and args.curve:
            print("\nBy bar:")
            faults = faults_by_bar(report)
            for level in report.timing.curve:
                print(curve_line(level) + faults.get(int(level.at), ""))
    return 0


def curve_line(level: Level) -> str:
    """A bar's median as a mark between early (left) and late (right)."""
    place = round((max(-1.0, min(1.0, level.late_ms / _SHOWN_MS)) + 1) * _WIDTH / 2)
    cells = [" "] * (_WIDTH + 1)
    cells[_WIDTH // 2] = "|"
    cells[place] = "*"
    return f"{int(level.at) + 1:>4} {''.join(cells)} {late_text(level.late_ms)}"


def faults_by_bar(report: Report) -> dict[int, str]:
    """ "; 1 missed, 2 added" of the melody's notes, for every bar that has such."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if report.tune is not None:
        for place, what in report.tune.faulty:
            found[place.bar][what] += 1
    return {
        bar: "; " + ", ".join(f"{n} {what}" for what, n in counts.items())
        for bar, counts in found.items()
    }


def stats(args: argparse.Namespace) -> int:
    """`jam stats`: by day and song; as CSV with --csv."""
    args.what = "list"
    with open_library(args) as library:
        if args.delete:
            n = len(delete_days(library, *parse_days(args.delete)))
            print(f"Statistics of {n} session{'' if n == 1 else 's'} deleted; the sessions stay.")
            return 0
        days = days_of(library)
        if args.csv:
            with whole(Path(args.csv)) as unfinished:
                unfinished.write_text(csv_text(days), encoding="utf-8")
            print(f"Written: {args.csv}")
            return 0
        _list(days)
    return 0


def _list(days: Sequence[Together]) -> None:
    if not days:
        print(NOTHING_YET)
        return
    rows = [COLUMNS, *(columns_of(day) for day in days)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())
