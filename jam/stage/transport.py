"""Playing back as pure arithmetic: position, speed, loop, and which notes are due when.

Positions are seconds of the session that is played. Another speed only moves the notes in time,
so the pitch stays. Nothing here waits or reads a clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush

from jam.messages.notes import SoundedNote, TimedNote
from jam.messages.snapshot import PlaybackState

MIN_SPEED, MAX_SPEED = 0.5, 1.5
MIN_LOOP_S = 0.1
"""A loop that is shorter is made so long."""
_TOO_STALE_S = 0.25
"""A note-on that is later than this (the machine slept) is dropped; a note-off never is."""
_ROUNDING_S = 1e-6
"""So little short of a place counts as there: a position is computed back from its time."""
_CHASED = frozenset(("chords", "bass"))
"""Parts whose notes are struck though their start was skipped: a chord that is held goes on."""


def position_at(state: PlaybackState, now_s: float) -> float:
    """Where the playback is at `now_s` of jam.clock."""
    if not state.playing:
        return state.position_s
    position = state.position_s + max(0.0, now_s - state.at_s) * state.speed
    if state.loop is not None and state.position_s < state.loop[1]:
        start, end = state.loop
        return position if position < end else start + (position - start) % (end - start)
    return min(position, state.end_s)


class Transport:
    """Plays the notes that it is given between two positions. A `jam.stage.scheduler.Timeline`.

    Everything that moves it returns what is to be sent at once: the note-offs of what stops
    sounding, and the note-ons of what sounds at the new place. Each note-on has its note-off.
    """

    def __init__(self) -> None:
        self._state = PlaybackState("", False, 0.0, 0.0, 1.0, None, 0.0, 0.0)
        self._notes: tuple[TimedNote, ...] = ()
        self._starts_s: list[float] = []
        self._next = 0
        """Of the notes, in order of start: the first one that is still to come."""
        self._ends: list[tuple[float, int]] = []
        """(end, number) of the notes that sound; a heap."""
        self._down: dict[tuple[str, int], int] = {}
        """Part and pitch of each key that is down, and the number of its note."""
        self.revision = 0
        """Grows with whatever can't be foreseen from the state before."""

    @property
    def state(self) -> PlaybackState:
        return self._state

    def load(
        self,
        now_s: float,
        name: str,
        notes: Iterable[TimedNote],
        start_s: float,
        end_s: float,
        keeps_place: bool = False,
    ) -> list[SoundedNote]:
        """Other notes; it waits at the start, unless it keeps its place (and goes on playing).

        Another part of the same take (of the same name): what sounds in both goes on.
        """
        out = self.due(now_s)
        same = keeps_place and name == self._state.name
        sounding = [(number, self._notes[number]) for number in self._down.values() if same]
        out += [] if same else self._silence(now_s)
        self._notes = tuple(sorted(notes, key=lambda note: note.start_s))
        self._starts_s = [note.start_s for note in self._notes]
        old, end_s = self._state, max(start_s, end_s)
        new = PlaybackState(name, False, start_s, now_s, old.speed, None, start_s, end_s)
        if keeps_place:
            position = min(max(self._position(now_s), start_s), end_s)
            playing = old.playing and position < end_s
            new = replace(
                new,
                playing=playing,
                position_s=position,
                muted=old.muted,
                loop=self._within(old.loop, start_s, end_s),
            )
        self._change(new)
        return out + self._carry_on(sounding, now_s) + self._enter(now_s)

    def play(self, now_s: float, from_s: float | None = None) -> list[SoundedNote]:
        """Begin at a position, or where it is; at the end it begins at the start again."""
        out = self.due(now_s)
        state = self._state
        if from_s is None:
            if state.playing:
                return out
            position = state.position_s
            if position >= state.end_s:
                position = state.loop[0] if state.loop else state.start_s
        else:
            position = from_s
        return out + self._move(now_s, position, state.end_s > state.start_s)

    def pause(self, now_s: float) -> list[SoundedNote]:
        """Silence; the position stays."""
        return self.due(now_s) + self._move(now_s, self._position(now_s), False)

    def stop(self, now_s: float) -> list[SoundedNote]:
        """The same, without what would be due now."""
        return self._move(now_s, self._position(now_s), False)

    def seek(self, now_s: float, to_s: float) -> list[SoundedNote]:
        """Go on from another position, playing or not."""
        return self.due(now_s) + self._move(now_s, to_s, self._state.playing)

    def set_speed(self, now_s: float, speed: float) -> list[SoundedNote]:
        """Go on faster or slower, from where it is; what sounds ends earlier or later."""
        out = self.due(now_s)
        speed = min(max(speed, MIN_SPEED), MAX_SPEED)
        self._change(
            replace(self._state, speed=speed, position_s=self._position(now_s), at_s=now_s)
        )
        return out

    def set_loop(self, now_s: float, loop: tuple[float, float] | None) -> list[SoundedNote]:
        """Turn back at the loop's end, once it is reached from before; None plays on."""
        out, state = self.due(now_s), self._state
        position, at_s = self._position(now_s), now_s
        loop = self._within(loop, state.start_s, state.end_s)
        self._change(replace(state, loop=loop, position_s=position, at_s=at_s))
        return out

    def mute(self, now_s: float, parts: Iterable[str]) -> list[SoundedNote]:
        """Silence these parts and no others; what sounds of them ends."""
        out = self.due(now_s)
        muted = tuple(sorted(set(parts)))
        self._change(replace(self._state, muted=muted))
        return out + [
            self._off(number, now_s) for (part, _), number in [*self._down.items()] if part in muted
        ]

    def next_due_s(self) -> float | None:
        """When something starts, ends or turns back; None while it doesn't play."""
        if not self._state.playing:
            return None
        position = self._turn_s()
        if self._ends:
            position = min(position, self._ends[0][0])
        if self._next < len(self._notes):
            position = min(position, self._starts_s[self._next])
        return self._time_of(position)

    def due(self, now_s: float) -> list[SoundedNote]:
        """What is to be sent now, ends before starts; `sent_s` is `now_s` as yet."""
        out: list[SoundedNote] = []
        while self._state.playing:
            turn_s = self._turn_s()
            elapsed_s = (now_s - self._state.at_s) * self._state.speed
            until_s = self._state.position_s + elapsed_s + _ROUNDING_S
            out += self._advance(min(until_s, turn_s), now_s)
            if until_s < turn_s:
                break
            turn_at_s, loop = self._time_of(turn_s), self._state.loop
            out += self._silence(now_s, turn_at_s)
            if loop is None or turn_s != loop[1]:
                self._change(replace(self._state, playing=False, position_s=turn_s, at_s=turn_at_s))
                break
            # The machine may have slept through many rounds: they are not played.
            round_s = (loop[1] - loop[0]) / self._state.speed
            turn_at_s += max(0, int((now_s - turn_at_s) / round_s)) * round_s
            self._state = replace(self._state, position_s=loop[0], at_s=turn_at_s)
            out += self._enter(turn_at_s, now_s)
        return out

    # In between: positions and times

    def _position(self, now_s: float) -> float:
        return position_at(self._state, now_s)

    def _time_of(self, position_s: float) -> float:
        state = self._state
        return state.at_s + (position_s - state.position_s) / state.speed

    def _turn_s(self) -> float:
        """Where it turns back or ends."""
        loop, end_s = self._state.loop, self._state.end_s
        return loop[1] if loop is not None and self._state.position_s < loop[1] else end_s

    @staticmethod
    def _within(
        loop: tuple[float, float] | None, start_s: float, end_s: float
    ) -> tuple[float, float] | None:
        if loop is None or end_s - start_s < MIN_LOOP_S:
            return None
        first = min(max(min(loop), start_s), end_s - MIN_LOOP_S)
        return first, min(max(max(loop), first + MIN_LOOP_S), end_s)

    def _change(self, state: PlaybackState) -> None:
        self._state = state
        self.revision += 1

    # Notes

    def _move(self, now_s: float, position_s: float, playing: bool) -> list[SoundedNote]:
        state = self._state
        position_s = min(max(position_s, state.start_s), state.end_s)
        out = self._silence(now_s)
        self._change(replace(state, playing=playing, position_s=position_s, at_s=now_s))
        return out + self._enter(now_s)

    def _carry_on(
        self, sounding: Iterable[tuple[int, TimedNote]], now_s: float
    ) -> list[SoundedNote]:
        """These sound, under the numbers that they had: what is still among the notes goes on."""
        self._ends.clear()
        self._down.clear()
        out = []
        for old, note in sounding:
            first = bisect_left(self._starts_s, note.start_s)
            last = bisect_right(self._starts_s, note.start_s)
            number = next((i for i in range(first, last) if self._notes[i] == note), None)
            if number is None:
                out.append(SoundedNote(old, note.pitch, 0, note.part, now_s, now_s))
            else:
                self._down[note.part, note.pitch] = number
                heappush(self._ends, (note.end_s, number))
        return out

    def _enter(self, due_s: float, now_s: float | None = None) -> list[SoundedNote]:
        """Begin at the state's position: what is held there is struck, if it plays."""
        state = self._state
        now_s = due_s if now_s is None else now_s
        self._next = bisect_left(self._starts_s, state.position_s)
        if not state.playing:
            return []
        down = set(self._down.values())
        held = [
            number
            for number, note in enumerate(self._notes[: self._next])
            if note.part in _CHASED and note.end_s > state.position_s and number not in down
        ]
        return [event for number in held for event in self._on(number, due_s, now_s)]

    def _advance(self, until_s: float, now_s: float) -> list[SoundedNote]:
        """Ends up to a position, and starts before the turn, in order."""
        out: list[SoundedNote] = []
        turn_s = self._turn_s()
        while True:
            end_s = self._ends[0][0] if self._ends else float("inf")
            more = self._next < len(self._notes)
            start_s = self._starts_s[self._next] if more else float("inf")
            if min(end_s, start_s) > until_s or (start_s < end_s and start_s >= turn_s):
                return out
            if end_s <= start_s:
                _, number = heappop(self._ends)
                note = self._notes[number]
                if self._down.get((note.part, note.pitch)) == number:
                    out.append(self._off(number, now_s, self._time_of(end_s)))
                continue
            number = self._next
            self._next += 1
            due_s = self._time_of(start_s)
            if now_s - due_s <= _TOO_STALE_S:
                out += self._on(number, due_s, now_s)

    def _on(self, number: int, due_s: float, now_s: float) -> list[SoundedNote]:
        note = self._notes[number]
        if note.part in self._state.muted:
            return []
        out = []
        before = self._down.get((note.part, note.pitch))
        if before is not None:  # one key can't be down twice
            out.append(self._off(before, now_s, due_s))
        self._down[note.part, note.pitch] = number
        heappush(self._ends, (note.end_s, number))
        out.append(SoundedNote(number, note.pitch, note.velocity, note.part, due_s, now_s))
        return out

    def _off(self, number: int, now_s: float, due_s: float | None = None) -> SoundedNote:
        note = self._notes[number]
        del self._down[note.part, note.pitch]
        due_s = now_s if due_s is None else due_s
        return SoundedNote(number, note.pitch, 0, note.part, due_s, now_s)

    def _silence(self, now_s: float, due_s: float | None = None) -> list[SoundedNote]:
        self._ends.clear()
        return [self._off(number, now_s, due_s) for number in [*self._down.values()]]
