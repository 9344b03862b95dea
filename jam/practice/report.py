"""What was played, told: a session's notes beside beat, chords and the last time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jam.messages.notes import PlayedNote
from jam.music.chord import pitch_name
from jam.music.grid import Place, TempoMap
from jam.music.key import Key, spell
from jam.music.rows import Row
from jam.practice.against import Against, Wanted, against
from jam.practice.pitches import FREE, OUTSIDE, Heard, Line, heard, line_of
from jam.practice.timing import Change, Timing, beat_of, struck, timing_of

NOTHING_PLAYED = "Nothing to tell: hardly a note was played."
_ABOUT_MS = 5.0
"""A beat that lies so near to the others isn't told."""
_NAMED = 6
"""So many notes outside are named; of the rest the number."""


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to tell of a take; both are None where hardly a note was played."""

    timing: Timing | None
    line: Line | None
    notes: tuple[Heard, ...]
    key: Key | None = None
    tune: Against | None = None
    """Beside the melody that was practised; None where there was none."""

    @property
    def outside(self) -> tuple[Heard, ...]:
        """Notes that are neither of their chord nor of the key, nor the melody's."""
        right = {id(s) for _, s in self.tune.right} if self.tune is not None else set()
        return tuple(h for h in self.notes if h.kind == OUTSIDE and id(h.struck) not in right)


def report_of(
    notes: Sequence[PlayedNote],
    tempo_map: TempoMap,
    rows: Sequence[Row],
    key: Key | None = None,
    wanted: Wanted | None = None,
) -> Report:
    """Of the player's notes. rows: one a frame; key: the song's, where it is known; wanted: the
    melody that was to be played."""
    all_ = struck(notes, tempo_map)
    found = heard(all_, rows, key)
    tune = None if wanted is None else against(all_, wanted)
    return Report(timing_of(all_), line_of(found), tuple(found), key, tune)


def sentences(report: Report, before: Report | None = None) -> list[str]:
    """The report in words. before: the last time."""
    if report.timing is None or report.line is None:
        return [NOTHING_PLAYED]
    found = list(_of_timing(report.timing))
    if report.tune is not None:
        found += _of_tune(report.tune, report.key)
    found += _of_pitches(report)
    if before is not None and before.timing is not None and before.line is not None:
        found.append(_compared(report.timing, before.timing, report, before))
    return found


def late_text(ms: float) -> str:
    """ "20 ms early", "8 ms late", "on the beat"."""
    if abs(ms) < 0.5:
        return "on the beat"
    return f"{abs(ms):.0f} ms {'late' if ms > 0 else 'early'}"


def change_text(change: Change) -> str:
    """ "From bar 5 on 6 ms later with every bar"."""
    if change.drift_ms:
        more = "later" if change.drift_ms > 0 else "earlier"
        return f"From bar {change.bar + 1} on {abs(change.drift_ms):.0f} ms {more} with every bar"
    more = "later" if change.step_ms > 0 else "earlier"
    return f"From bar {change.bar + 1} on {abs(change.step_ms):.0f} ms {more} than before"


def _of_timing(timing: Timing) -> Iterator[str]:
    yield (
        f"{timing.count} notes: {late_text(timing.late_ms)} in the middle, half of them within"
        f" ±{timing.within_ms:.0f} ms of that."
    )
    if timing.swing is not None:
        yield f"The second eighth falls at {timing.swing:.0%} of the beat (a triplet's at 67%)."
    others = [
        f"{level.at:g} {late_text(level.late_ms)}"
        for level in timing.by_beat
        if abs(level.late_ms - timing.late_ms) > max(_ABOUT_MS, timing.within_ms)
    ]
    if others:
        yield f"Unlike the rest: on beat {', on '.join(others)}."
    if timing.change is not None:
        yield f"{change_text(timing.change)}."


def tune_counts(tune: Against) -> str:
    """ "2 missed, 1 wrong, 1 added"; "" where there is nothing of that."""
    counts = (len(tune.missed), "missed"), (len(tune.wrong), "wrong"), (len(tune.added), "added")
    return ", ".join(f"{n} {what}" for n, what in counts if n)


def _of_tune(tune: Against, key: Key | None) -> Iterator[str]:
    counts = tune_counts(tune)
    yield (
        f"Of the melody's {tune.wanted} notes {len(tune.right)} were played"
        f"{f': {counts}' if counts else ', and no others'}."
    )

    for what, places in (
        ("Missed", [(place, _name(n.pitch, key)) for n, place in tune.missed]),
        (
            "Wrong",
            [
                (s.place, f"{_name(s.note.pitch, key)} for {_name(n.pitch, key)}")
                for n, s in tune.wrong
            ],
        ),
        ("Added", [(s.place, _name(s.note.pitch, key)) for s in tune.added]),
    ):
        if places:
            yield f"{what}: {_listed([f'{_at(place)}: {name}' for place, name in places])}."


def _at(place: Place) -> str:
    return f"bar {place.bar + 1}, beat {beat_of(place):g}"


def _name(pitch: int, key: Key | None) -> str:
    return spell(pitch % 12, key) if key else pitch_name(pitch)[:-1]


def _listed(items: Sequence[str]) -> str:
    """The first of them by name, of the rest the number."""
    more = len(items) - _NAMED
    return "; ".join(items[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _of_pitches(report: Report) -> Iterator[str]:
    line = report.line
    assert line is not None
    if any(h.kind != FREE for h in report.notes):
        yield (
            f"{line.chord_tones:.0%} chord tones ({line.strong_chord_tones:.0%} on strong beats),"
            f" {line.tensions:.0%} other notes of the key, {line.outside:.0%} outside."
        )
        if outside := report.outside:
            yield f"Outside: {_listed([_named(h, report.key) for h in outside])}."
    yield (
        f"From {pitch_name(line.lowest)} to {pitch_name(line.highest)}, {line.notes_a_beat:.1f}"
        " notes a beat."
    )
    for motif in line.motifs[:2]:
        at = ", ".join(str(bar + 1) for bar in motif.bars)
        names = " ".join(pitch_name(p) for p in motif.pitches)
        yield f"{names} comes {len(motif.bars)} times, in any key (bars {at})."


def _named(h: Heard, key: Key | None) -> str:
    over = f" over {h.chord.symbol}" if h.chord else ""
    return f"{_at(h.struck.place)}: {_name(h.struck.note.pitch, key)}{over}"


def _compared(timing: Timing, before: Timing, now: Report, then: Report) -> str:
    assert now.line is not None and then.line is not None
    melody = ""
    if now.tune is not None and then.tune is not None:
        melody = f", {tune_counts(then.tune) or 'no note missed, wrong or added'}"
    return (
        f"Last time: {late_text(before.late_ms)}, half within ±{before.within_ms:.0f} ms,"
        f" {then.line.chord_tones:.0%} chord tones, {then.line.outside:.0%} outside{melody}."
    )
