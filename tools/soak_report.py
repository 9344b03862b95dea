"""What a soak found: pure functions from the program's log and what was measured to a report."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.soak_machine import LATE_S, Stalls

WARM_UP_S = 900.0
"""Memory is judged from here on: by then most instruments, pages and looks were there once, each
a step of some MB."""
JUDGED_S = 900.0
"""A slope over a shorter time than this says nothing."""
RISE_MB_AN_HOUR = 60.0
"""More than this, in any one process, is a leak. What a jam itself keeps in memory (rows, and the
record as long as the session goes on) is under half of it."""
QUIET_S = 2.0
"""So long after a session's end nothing of the accompaniment may sound."""
LOST_IN_A_CYCLE = 8
"""So many events of a storm may go with one cycle that JACK misses."""
LATE_NOTE_MS = 20.0
"""A note that comes so late is heard as late."""
_GROWING = ("window", "stage", "agent")


@dataclass
class Session:
    """One jam, as the log tells it."""

    number: int
    began_s: float
    ended_s: float | None = None
    notes: int = 0
    accompaniment: int = 0
    late: int = 0
    plan_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """One look at the processes: memory in MB, by process; the database in KiB."""

    at_s: float
    rss_mb: dict[str, float]
    pss_mb: dict[str, float]
    threads: dict[str, int]
    files: dict[str, int]
    database_kib: float


class Tally:
    """Counts the events of the program's log (`jam.cli.log_file`) as they come."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.in_session = False
        self.heard = 0
        """Note-ons of the player, in sessions and between them."""
        self.errors_ms: list[float] = []
        self.late_notes: list[tuple[float, float]] = []
        """Those over LATE_NOTE_MS: the second when each was due, and when it was sent."""
        self.counters: list[tuple[float, dict[str, Any]]] = []
        self.stuck: list[str] = []
        self.struck_again = 0
        """Notes of the partner that were struck twice: once is enough, whatever happens."""
        self.changes = Changes()
        self._struck: set[int] = set()
        self._sounding: dict[tuple[str, int], tuple[int, float]] = {}

    def take(self, event: dict[str, Any]) -> None:
        match event["kind"]:
            case "session":
                self._begin(event)
            case "played" if event["velocity"]:
                self.heard += 1
                if self.in_session:
                    self.sessions[-1].notes += 1
            case "sounded":
                self._sounded(event)
            case "plan" if self.sessions:
                self.sessions[-1].plan_ms.append(1000 * event["compute_s"])
                self.changes.plan(event)
            case "row":
                self.changes.row(event)
            case "counters":
                self.counters.append((event["at_s"], event))
                if self.in_session:
                    session = self.sessions[-1]
                    session.late = max(session.late, event["late_plans"])
            case _:
                pass

    def _begin(self, event: dict[str, Any]) -> None:
        self.end_session(event["at_s"])
        if event["number"]:
            self.in_session = True
            self.sessions.append(Session(event["number"], event["at_s"]))
            self._struck.clear()
            self.changes.begin()

    def end_session(self, at_s: float) -> None:
        """What sounds still is stuck: a session's last log has every note-off."""
        if not self.in_session:
            return
        self.in_session = False
        session = self.sessions[-1]
        session.ended_s = at_s
        for (part, _), (pitch, due_s) in self._sounding.items():
            self.stuck.append(
                f"session {session.number}: {part}, pitch {pitch}, struck"
                f" {due_s - session.began_s:.1f} s after the start"
            )
        self._sounding.clear()

    def _sounded(self, event: dict[str, Any]) -> None:
        key = event["part"], event["note_id"]
        if event["velocity"]:
            due_s = event["due_s"] - event.get("lead_s", 0.0)
            self.errors_ms.append(1000 * (event["sent_s"] - due_s))
            if self.errors_ms[-1] > LATE_NOTE_MS:
                self.late_notes.append((due_s, event["sent_s"]))
            self._sounding[key] = event["pitch"], event["due_s"]
            self.struck_again += event["note_id"] in self._struck
            self._struck.add(event["note_id"])
            if self.in_session and event["part"] != "metronome":
                self.sessions[-1].accompaniment += 1
        else:
            self._sounding.pop(key, None)

    @property
    def dropouts(self) -> int:
        return int(self.counters[-1][1]["dropouts"]) if self.counters else 0


class Changes:
    """How steady the plans were: of the uncommitted frames, those whose chord the next changed.

    As `models.evaluation.live` measures it, for the plans that were made live.
    """

    def __init__(self) -> None:
        self.changed = self.compared = 0
        self.begin()

    def begin(self) -> None:
        self._sounded: list[str] = []
        self._planned: dict[int, str] = {}
        self._committed_until = 0

    def row(self, event: dict[str, Any]) -> None:
        before = self._sounded[-1] if self._sounded else ""
        self._sounded.append(before if event["chord"] == "-" else event["chord"])

    def plan(self, event: dict[str, Any]) -> None:
        start = event["start_frame"]
        chord = self._sounded[start - 1] if 0 < start <= len(self._sounded) else ""
        planned = {}
        for frame, named in enumerate(event["chords"], start):
            chord = chord if named == "-" else named
            planned[frame] = chord
            if frame >= self._committed_until and frame in self._planned:
                self.compared += 1
                self.changed += self._planned[frame] != chord
        self._planned = planned
        self._committed_until = max(self._committed_until, event["committed_until_frame"])

    @property
    def percent(self) -> float:
        return 100 * self.changed / max(1, self.compared)


def unanswered(messages: Iterable[tuple[float, Sequence[int]]]) -> list[tuple[int, int, float]]:
    """Notes of a MIDI output that were begun and never ended: (channel, pitch, second)."""
    down: dict[tuple[int, int], float] = {}
    for at_s, data in messages:
        kind, channel = data[0] & 0xF0, data[0] & 0xF
        if kind == 0x90 and data[2]:
            down[channel, data[1]] = at_s
        elif kind in (0x80, 0x90):
            down.pop((channel, data[1]), None)
        elif kind == 0xB0 and data[1] in (120, 123):
            down = {key: on_s for key, on_s in down.items() if key[0] != channel}
    return [(channel, pitch, at_s) for (channel, pitch), at_s in down.items()]


def sounding_after(
    messages: Sequence[tuple[float, Sequence[int]]], ends_s: Iterable[float]
) -> list[tuple[int, int, float]]:
    """What sounded at the MIDI output QUIET_S after each of these ends."""
    return [
        note
        for end_s in ends_s
        for note in unanswered(m for m in messages if m[0] <= end_s + QUIET_S)
    ]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Growth an hour of (second, value), by Theil and Sen: a step or a spike doesn't move it."""
    slopes = [
        (b - a) / (t - s) for i, (s, a) in enumerate(points) for t, b in points[i + 1 :] if t > s
    ]
    return 3600 * statistics.median(slopes) if slopes else 0.0


def by_tens(counted: Sequence[tuple[float, int]], start_s: float) -> list[int]:
    """How much a counter, given as (second, value so far), grew in each ten minutes.

    A value below the one before is of a stage that was started again.
    """
    grown: list[int] = []
    before = 0
    for at_s, value in counted:
        slot = int(max(0.0, at_s - start_s) // 600)
        while len(grown) <= slot:
            grown.append(0)
        grown[slot] += value - before if value >= before else value
        before = value
    return grown


_LATE_CLIENT = re.compile(r"client = (.+?)(?:-\d+)? was not finished, state = Running")


def jack_troubles(lines: Iterable[str]) -> dict[str, int]:
    """Who made JACK miss its cycles, as it says: its own timer, or a client that still ran."""
    found: dict[str, int] = {}
    for line in lines:
        if "TimedDriver" in line:
            who = "timer"
        elif client := _LATE_CLIENT.search(line):
            who = client[1]
        else:
            continue
        found[who] = found.get(who, 0) + 1
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, the value that 99 of 100 stay under, and the worst."""
    if not values:
        return {"median": 0.0, "p99": 0.0, "worst": 0.0}
    values = sorted(values)
    p99 = values[min(len(values) - 1, int(0.99 * len(values)))]
    return {"median": statistics.median(values), "p99": p99, "worst": values[-1]}


@dataclass
class Findings:
    """Everything that was measured, and `faults`: what must not be, a line each."""

    options: dict[str, Any]
    minutes: float = 0.0
    sent: dict[str, int] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    heard: int = 0
    plans: int = 0
    late: int = 0
    dropouts: int = 0
    dropouts_by_ten_minutes: list[int] = field(default_factory=list)
    restarts: int = 0
    dropped_messages: int = 0
    voices_most: int = 0
    voices_at_rest: int = 0
    plan_ms: dict[str, float] = field(default_factory=lambda: spread([]))
    plan_ms_by_tenth: list[float] = field(default_factory=list)
    scheduler_ms: dict[str, float] = field(default_factory=lambda: spread([]))
    late_notes: int = 0
    late_notes_in_stalls: int = 0
    """Of them those that were due while a core of the machine stood still."""
    stalls: int = 0
    stall_worst_ms: float = 0.0
    plan_frames_changed_percent: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    slope_mb_an_hour: dict[str, float] = field(default_factory=dict)
    database_kib_a_minute: float = 0.0
    out_stuck: int = 0
    """Notes that sounded at the MIDI output after a stop: their ends went with a missed cycle."""
    jack: dict[str, int] = field(default_factory=dict)
    """Cycles that were missed, by who was late."""
    stderr: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take_tally(self, tally: Tally, start_s: float) -> None:
        """What the log tells. `start_s`: when the program was up, by its clock."""
        plans = [ms for session in tally.sessions for ms in session.plan_ms]
        self.sessions = [
            {
                "number": s.number,
                "seconds": round((s.ended_s or s.began_s) - s.began_s, 1),
                "notes": s.notes,
                "accompaniment": s.accompaniment,
                "plans": len(s.plan_ms),
                "late": s.late,
            }
            for s in tally.sessions
        ]
        self.heard, self.plans = tally.heard, len(plans)
        self.late = sum(session.late for session in tally.sessions)
        self.plan_ms, self.scheduler_ms = spread(plans), spread(tally.errors_ms)
        longest = max((s.plan_ms for s in tally.sessions), key=len, default=[])
        tenth = max(1, len(longest) // 10)
        self.plan_ms_by_tenth = [
            round(statistics.fmean(longest[i : i + tenth]), 2)
            for i in range(0, len(longest) - tenth + 1, tenth)
        ]
        self.plan_frames_changed_percent = tally.changes.percent
        if tally.counters:
            last = tally.counters[-1][1]
            self.restarts = last["agent_restarts"]
            self.dropped_messages = last["dropped_messages"]
            self.voices_at_rest = last["voices"]
            self.voices_most = max(c["voices"] for _, c in tally.counters)
            self.dropouts_by_ten_minutes = by_tens(
                [(at_s, c["dropouts"]) for at_s, c in tally.counters], start_s
            )
            self.dropouts = sum(self.dropouts_by_ten_minutes)
        if not plans or not tally.errors_ms:
            self.faults.append("nothing was planned or nothing sounded: this was no jam")
        if tally.stuck:
            self.faults.append(f"{len(tally.stuck)} notes never ended, e.g. {tally.stuck[0]}")
        if tally.struck_again:
            self.faults.append(f"{tally.struck_again} notes were struck twice")
        if self.restarts:
            self.faults.append(f"the agent was started again {self.restarts} times")

    def take_stalls(self, stalls: Stalls, tally: Tally) -> None:
        """When the machine stood still, and which late notes that explains."""
        self.stalls, self.stall_worst_ms = len(stalls.spells), stalls.worst_ms
        self.late_notes = len(tally.late_notes)
        self.late_notes_in_stalls = sum(stalls.cover(*late) for late in tally.late_notes)

    def judge_memory(self) -> None:
        """The slope of each process, after the warm-up; too steep is a fault."""
        judged = [s for s in self.samples if s.at_s >= WARM_UP_S]
        if judged and judged[-1].at_s - judged[0].at_s >= JUDGED_S:
            for name in _GROWING:
                points = [(s.at_s, s.rss_mb[name]) for s in judged if name in s.rss_mb]
                rise = self.slope_mb_an_hour[name] = round(slope(points), 1)
                if rise > RISE_MB_AN_HOUR:
                    self.faults.append(
                        f"{name} grew by {rise:.0f} MB an hour (at most {RISE_MB_AN_HOUR:.0f})"
                    )
        if len(self.samples) > 1:
            last = self.samples[-1]
            for what in ("threads", "files"):
                for name in _GROWING:
                    early = self.samples[min(len(self.samples) - 1, 2)]
                    a, b = getattr(early, what).get(name, 0), getattr(last, what).get(name, 0)
                    if b > 1.5 * a + 10:
                        self.faults.append(f"{name} has {b} {what}, {a} at the start")

    def judge_transport(self) -> None:
        """Notes lost on their way are JACK's where it missed cycles, else the program's."""
        unheard = self.sent.get("notes", 0) - self.heard
        if unheard > LOST_IN_A_CYCLE * self.dropouts:
            self.faults.append(f"{unheard} of {self.sent['notes']} notes sent were not heard")
        if self.out_stuck > self.dropouts:
            self.faults.append(
                f"{self.out_stuck} notes sounded at the MIDI output {QUIET_S:.0f} s after a stop"
            )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _three(values: dict[str, float]) -> str:
    return f"{values['median']:.1f} / {values['p99']:.1f} / {values['worst']:.1f} ms"


def table(found: Findings) -> str:
    """The report as text."""
    minutes = max(found.minutes, 0.01)
    rows: list[tuple[str, str]] = [
        ("minutes", f"{found.minutes:.1f}"),
        ("sessions", ", ".join(f"{s['seconds'] / 60:.1f} min" for s in found.sessions)),
        (
            "events sent, of them notes",
            f"{found.sent.get('events', 0)} / {found.sent.get('notes', 0)}",
        ),
        ("notes heard, messages passed over", f"{found.heard} / {found.dropped_messages}"),
        (
            "partner's notes logged, at the MIDI output",
            f"{found.sent.get('notes_out_logged', 0)} / {found.sent.get('notes_out', 0)}",
        ),
        ("  sounding there after a stop (their ends lost by JACK)", str(found.out_stuck)),
        ("plans, late", f"{found.plans} / {found.late}"),
        ("dropouts, in ten minutes", f"{found.dropouts} / {10 * found.dropouts / minutes:.1f}"),
        ("  each ten minutes", ", ".join(map(str, found.dropouts_by_ten_minutes))),
        (
            "  late in JACK: its own timer, clients",
            ", ".join(f"{who} {n}" for who, n in found.jack.items()) or "none",
        ),
        ("voices of the synth, most / at rest", f"{found.voices_most} / {found.voices_at_rest}"),
        ("scheduler error, median / 99 % / worst", _three(found.scheduler_ms)),
        (
            f"  notes over {LATE_NOTE_MS:.0f} ms, of them while a core stood still",
            f"{found.late_notes} / {found.late_notes_in_stalls}",
        ),
        (
            f"a core stood still for over {1000 * LATE_S:.0f} ms, worst",
            f"{found.stalls} times / {found.stall_worst_ms:.1f} ms",
        ),
        ("plan computed, median / 99 % / worst", _three(found.plan_ms)),
        (
            "  mean over the longest session, by tenths",
            " ".join(f"{ms:.1f}" for ms in found.plan_ms_by_tenth),
        ),
        ("uncommitted plan frames changed", f"{found.plan_frames_changed_percent:.1f} %"),
        ("agent started again", str(found.restarts)),
        ("library grows", f"{found.database_kib_a_minute:.0f} KiB a minute"),
    ]
    if found.samples:
        early = found.samples[min(len(found.samples) - 1, 2)]
        late = found.samples[-1]
        for name in late.rss_mb:
            grown = found.slope_mb_an_hour.get(name)
            rise = "too short for a slope" if grown is None else f"{grown:+.1f} MB an hour"
            rows.append(
                (
                    f"{name}: memory (RSS), threads, files",
                    f"{early.rss_mb.get(name, 0):.0f} to {late.rss_mb[name]:.0f} MB ({rise}),"
                    f" {early.threads.get(name, 0)} to {late.threads[name]},"
                    f" {early.files.get(name, 0)} to {late.files[name]}",
                )
            )
        rows.append(
            (
                "all processes, shared memory once (PSS)",
                f"{sum(early.pss_mb.values()):.0f} to {sum(late.pss_mb.values()):.0f} MB",
            )
        )
    lines = [f"{name:<46} {value}" for name, value in rows]
    lines += [f"stderr: {line}" for line in found.stderr[:20]]
    lines += [f"FAULT: {fault}" for fault in found.faults] or ["no fault"]
    return "\n".join(lines)
