"""What is in the corpora: pieces read and dropped, frames, and how melody and chords agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.corpora import Outcome
from models.data.leadsheet import LeadSheet, chord_spans


@dataclass(slots=True)
class CorpusReport:
    """Counts over the pieces of one corpus; `add` takes one outcome after the other."""

    name: str
    pieces: int = 0
    pieces_dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    melody_frames: int = 0
    both_frames: int = 0
    in_chord_frames: int = 0
    chords: int = 0
    bars: int = 0
    on_bar_line: int = 0
    qualities: Counter[str] = field(default_factory=Counter)
    meters: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        if outcome.sheet is None:
            self.pieces_dropped[outcome.why_not] += 1
            return
        self.left_out.update({k: n for k, n in outcome.dropped.items() if n})
        self._add_sheet(outcome.sheet)

    def _add_sheet(self, sheet: LeadSheet) -> None:
        self.pieces += 1
        self.splits[sheet.split] += 1
        self.frames += sheet.n_frames
        for melody, harmony in zip(sheet.melody, sheet.chords, strict=True):
            if melody.pitch is not None:
                self.melody_frames += 1
                if harmony.chord is not None:
                    self.both_frames += 1
                    self.in_chord_frames += melody.pitch % 12 in harmony.chord.pitch_classes
        places = sheet.places()
        self.bars += places[-1].bar + 1
        for place in places:
            self.meters[str(place.meter)] += 1
        for start, _, chord in chord_spans(sheet.chords):
            self.chords += 1
            self.on_bar_line += places[start].frame_in_bar == 0
            self.qualities[chord.quality] += 1

    @property
    def note_in_chord(self) -> float:
        """Share of the frames with melody and chord in which the note is of the chord."""
        return self.in_chord_frames / max(1, self.both_frames)

    @property
    def chords_per_bar(self) -> float:
        return self.chords / max(1, self.bars)

    def lines(self) -> list[str]:
        """The report as text."""
        dropped = sum(self.pieces_dropped.values())
        splits = ", ".join(f"{name} {self.splits[name]}" for name in ("train", "valid", "test"))
        lines = [
            self.name,
            f"  pieces read       {self.pieces}  ({splits})",
            f"  pieces dropped    {dropped}",
            *(f"    {count:6}  {why}" for why, count in self.pieces_dropped.most_common(12)),
            f"  frames            {self.frames:,}  (melody in {_share(self.melody_frames, self)}, "
            f"melody and chord in {_share(self.both_frames, self)})",
            f"  note in chord     {self.note_in_chord:.3f}",
            f"  chords per bar    {self.chords_per_bar:.2f}  "
            f"({self.on_bar_line / max(1, self.chords):.0%} on a bar line)",
            f"  qualities         {_commonest(self.qualities, 10)}",
            f"  metres            {_commonest(self.meters, 6)}",
        ]
        if self.left_out:
            lines.append("  left out inside pieces")
            lines.extend(f"    {count:6}  {what}" for what, count in self.left_out.most_common())
        return lines

    def as_dict(self) -> dict[str, object]:
        """The same figures for a JSON file."""
        return {
            "corpus": self.name,
            "pieces": self.pieces,
            "pieces_dropped": dict(self.pieces_dropped),
            "splits": dict(self.splits),
            "frames": self.frames,
            "melody_frames": self.melody_frames,
            "note_in_chord": round(self.note_in_chord, 4),
            "chords_per_bar": round(self.chords_per_bar, 4),
            "on_bar_line": round(self.on_bar_line / max(1, self.chords), 4),
            "qualities": dict(self.qualities.most_common()),
            "meters": dict(self.meters.most_common()),
            "left_out": dict(self.left_out),
        }


def report_of(name: str, found: Iterable[Outcome]) -> CorpusReport:
    report = CorpusReport(name)
    for outcome in found:
        report.add(outcome)
    return report


def _share(count: int, report: CorpusReport) -> str:
    return f"{count / max(1, report.frames):.0%}"


def _commonest(counts: Counter[str], n: int) -> str:
    total = max(1, sum(counts.values()))
    return ", ".join(f"{name} {count / total:.1%}" for name, count in counts.most_common(n))
