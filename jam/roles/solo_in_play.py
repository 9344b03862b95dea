"""The agent's role while it plays: its turns, what it has committed of its melody, its notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from jam.messages.notes import PlannedNote
from jam.messages.plans import Plan, Solo
from jam.music.ear import REPEATED, repeated
from jam.music.grid import TempoMap
from jam.music.role import ACCOMPANIES, ASKS, FILLS, LEADS, SOLOS, TRADES, Turn
from jam.music.rows import REST, MelodyState
from jam.roles.phrase import Onset, Phrase, notes_of, phrase_of
from jam.roles.turns import FOREVER, Role, role_from, spans

_KEPT_ONSETS = 512
_USUAL_VELOCITY = 72.0
_WIDER = 5
"""The answer's range reaches so far beyond that of the phrase before it, in semitones."""
LOWEST, HIGHEST = 53, 86
"""What can be played and heard as a melody: F3 to D6."""
_GAP_BEATS = 1.5
"""After so long without a new note of the player's there is a gap."""
_FILL_BARS = 1
_FILL_COMMIT_BEATS = 1
"""What fills a gap is committed so little ahead, since the player may come in again."""
_REMEMBERED_BARS = 8
"""Outside a trade it is the last bars of the player's that are taken up."""


class SoloInPlay:
    """Owned by the `Conductor`; frames and bars are the session's."""

    def __init__(self) -> None:
        self.role = Role()
        self._before = Role(end_bar=0)
        """The role until this one begins."""
        self._line: dict[int, MelodyState] = {}
        self._mine: dict[int, bool] = {}
        self._fixed_until = 0
        self._onsets: deque[Onset] = deque(maxlen=_KEPT_ONSETS)
        self._fill: tuple[int, int] | None = None
        self._velocity = _USUAL_VELOCITY
        self._asked: dict[int, MelodyState] = {}
        """The phrase that is to be repeated, by frame of its turn."""
        self._told = ""
        self.tune: Callable[[int], MelodyState | None] | None = None
        """The melody of a frame where it leads with a tune; None where it improvises."""

    # -- what the player does ---------------------------------------------------------------

    def use(
        self,
        name: str,
        bars: int,
        choruses: int,
        next_bar: int,
        song_bar: int | None,
        form_bars: int | None,
        again: bool = False,
    ) -> None:
        """Another role, from bar `next_bar` on, which isn't committed yet; as `role_from`.

        again: another song is played, so the same role is looked at anew if it hasn't begun.
        """
        begun = self.role.first_bar < next_bar
        same = (name, bars, choruses) == (self.role.name, self.role.bars, self.role.choruses)
        if same and (begun or not again):
            return
        role = role_from(name, bars, choruses, next_bar, song_bar, form_bars)
        before = self.role if begun else self._before
        self._before = replace(before, end_bar=min(before.end_bar, role.first_bar))
        self.role, self._fill = role, None
        self._asked, self._told = {}, ""

    def is_over(self, bar: int) -> bool:
        """Whether the role was for a number of choruses, which are over."""
        return self.role.name != ACCOMPANIES and bar >= self.role.end_bar

    def _role_at(self, bar: int) -> Role:
        """The role that a bar is played in."""
        return self._before if bar < self.role.first_bar else self.role

    def note_on(self, position: float, pitch: int, velocity: int) -> None:
        """The player strikes a note; into a fill: it gives way."""
        self._onsets.append((position, pitch, velocity))
        if self._fill is not None and self._fill[0] <= position < self._fill[1]:
            self._cut(round(position) + 1)

    def struck(self, first: float, end: float) -> set[int]:
        """The pitches that the player struck from one frame to another."""
        return {pitch for at, pitch, _ in self._onsets if first - 0.5 <= at < end}

    def _cut(self, frame: int) -> None:
        assert self._fill is not None
        self._fill = (self._fill[0], frame) if frame > self._fill[0] else None
        for later in [f for f in self._line if f >= frame]:
            del self._line[later]
        self._fixed_until = min(self._fixed_until, frame)

    # -- time goes on -----------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether the agent plays melodies at all, or has just done."""
        return self.role.name != ACCOMPANIES or bool(self._line)

    def lays_out(self, bar: int) -> bool:
        """Whether the band leaves the chords of a bar to the player."""
        role = self._role_at(bar)
        return role.name == LEADS and role.first_bar <= bar < role.end_bar

    def is_mine(self, frame: int, tempo_map: TempoMap) -> bool:
        """Whether the melody of a frame is the agent's."""
        if self.role.name == FILLS:
            return self._fill is not None and self._fill[0] <= frame < self._fill[1]
        bar = tempo_map.place(frame).bar
        return self._role_at(bar).is_agents(bar)

    def close(self, frame: int, heard: MelodyState, tempo_map: TempoMap) -> MelodyState:
        """The melody of a frame that is over: the agent's in its turn, else the player's."""
        if not self.is_active:
            return heard
        mine = self.is_mine(frame, tempo_map)
        self._mine[frame] = mine
        if self.role.name == FILLS:
            self._look_for_gap(frame, tempo_map)
        if self.role.name == ASKS:
            self._listen(frame, tempo_map)
        self._forget(frame, tempo_map)
        if not mine:
            return heard
        return self._line.get(frame, REST)

    def _look_for_gap(self, frame: int, tempo_map: TempoMap) -> None:
        if self._fill is not None and frame + 1 < self._fill[1]:
            return
        meter = tempo_map.meter_at(frame)
        since = frame - self._onsets[-1][0] if self._onsets else None
        if since is None or since > 2 * meter.frames_per_bar:
            self._fill = None  # the player has stopped, which is no gap
            return
        if since < _GAP_BEATS * meter.frames_per_beat:
            self._fill = None
            return
        if self._fill is not None:  # one fill for a gap
            return
        start = frame + 1 + max(1, meter.frames_per_beat // 4)
        self._fill = start, start + _FILL_BARS * meter.frames_per_bar
        self._fixed_until = start  # the rests before it were no notes of the agent's

    def _listen(self, frame: int, tempo_map: TempoMap) -> None:
        """At the end of the player's turn: what of the phrase was repeated."""
        bar = tempo_map.place(frame).bar
        if bar < self.role.first_bar:
            return
        begin, end = (tempo_map.bar_start(b) for b in self.role.turn(bar))
        if self.role.is_agents(bar):
            if frame + 1 == end:
                self._asked = {f - begin: self._line.get(f, REST) for f in range(begin, end)}
            return
        if frame + 1 != end or not self._asked:
            return
        wanted = [s.pitch for s in self._asked.values() if s.onset and s.pitch is not None]
        played = [pitch for at, pitch, _ in self._onsets if begin - 0.5 <= at < end - 0.5]
        right, all_ = repeated(wanted, played)
        is_right = all_ > 0 and right >= REPEATED * all_
        self._told = f"{right} of {all_} notes: {'another one' if is_right else 'once more'}"
        if is_right or not wanted:
            self._asked = {}

    def _forget(self, frame: int, tempo_map: TempoMap) -> None:
        oldest = frame - 4 * tempo_map.meter_at(frame).frames_per_bar
        if len(self._line) + len(self._mine) > 2048 or frame % 64 == 0:
            self._line = {f: s for f, s in self._line.items() if f >= oldest}
            self._mine = {f: m for f, m in self._mine.items() if f >= oldest}

    def _spans(self, first: int, end: int, tempo_map: TempoMap) -> tuple[tuple[int, int], ...]:
        if self.role.name == FILLS:
            return (self._fill,) if self._fill is not None and self._fill[1] > first else ()
        return (
            *spans(self._before, tempo_map, first, end),
            *spans(self.role, tempo_map, first, end),
        )

    def request(self, now: int, end: int, silent_until: int, tempo_map: TempoMap) -> Solo | None:
        """What the agent is to be asked for, from frame `now` to `end`."""
        if not self.is_active:
            return None
        found = tuple(
            (max(first, silent_until), last)
            for first, last in self._spans(now, end, tempo_map)
            if last > silent_until
        )
        known = {f: self._line.get(f, REST) for f in range(now, self._fixed_until)}
        if self.role.name == LEADS and self.tune is not None:
            known |= {f: s for f in range(now, end) if (s := self.tune(f)) is not None}
        if self.role.name == ASKS and self._asked:
            known |= self._once_more(now, end, tempo_map)
        phrase = self._phrase(now, tempo_map)
        if self.role.name in (SOLOS, LEADS):  # the player's chords are no example for a melody
            phrase = Phrase()
        low, high = LOWEST, HIGHEST
        if phrase.lowest is not None and phrase.highest is not None:
            low = max(low, min(phrase.lowest - _WIDER, high - 12))
            high = min(high, max(phrase.highest + _WIDER, low + 12))
        return Solo(
            found,
            {f: s for f, s in known.items() if any(a <= f < b for a, b in found)},
            self.role.bars if self.role.name == TRADES else 0,
            phrase.notes_a_beat,
            phrase.mean_pitch,
            low,
            high,
            self.role.name == FILLS,
        )

    def _once_more(self, now: int, end: int, tempo_map: TempoMap) -> dict[int, MelodyState]:
        """The phrase again, in the agent's next turn, as far as that is in sight."""
        found: dict[int, MelodyState] = {}
        for begin, after in self._spans(now, end, tempo_map):
            if begin > now or self._line.get(begin) == self._asked.get(0):
                frames = range(max(begin, now), min(after, end))
                found |= {f: self._asked.get(f - begin, REST) for f in frames}
        return found

    def _phrase(self, now: int, tempo_map: TempoMap) -> Phrase:
        """What is taken up: in a trade the player's turn before, else the last bars."""
        meter = tempo_map.meter_at(now)
        first = now - _REMEMBERED_BARS * meter.frames_per_bar
        last = now
        if self.role.name == TRADES:
            bar = tempo_map.place(now).bar
            begin, _ = self.role.turn(bar)
            if self.role.is_agents(bar):
                first, last = (
                    tempo_map.bar_start(begin - self.role.bars),
                    tempo_map.bar_start(begin),
                )
            else:
                first = tempo_map.bar_start(begin)
        beat = meter.frames_per_beat
        phrase = phrase_of(self._onsets, first - 0.5, last, beat)
        if self.role.name == FILLS and phrase.notes_a_beat is not None:  # as dense as its phrases
            beats = [at // beat for at, _, _ in self._onsets if at >= first - 0.5]
            phrase = replace(phrase, notes_a_beat=len(beats) / len(set(beats)))
        if phrase.velocity is not None:
            self._velocity = phrase.velocity
        return phrase

    def take(self, plan: Plan, begun: int, commit_frames: int, tempo_map: TempoMap) -> None:
        """Take over a plan's melody beyond what is committed or has begun (before `begun`)."""
        if not plan.solo:
            return
        first = max(self._fixed_until, begun)
        for frame in [f for f in self._line if f >= first]:
            del self._line[frame]
        before = self._line.get(first - 1, REST)
        for frame, state in enumerate(plan.solo, plan.start_frame):
            if frame < first:
                continue
            if state is None:
                before = REST
                continue
            if not state.onset and state.pitch is not None and before.pitch != state.pitch:
                state = REST  # what sounded there was the player's
            self._line[frame] = before = state
        if self.role.name == FILLS:
            commit_frames = min(
                commit_frames, _FILL_COMMIT_BEATS * tempo_map.meter_at(begun).frames_per_beat
            )
        self._fixed_until = max(self._fixed_until, min(plan.end_frame, begun + commit_frames))

    # -- what sounds, what is shown ---------------------------------------------------------

    def notes(self, tempo_map: TempoMap, swung: dict[int, float]) -> list[PlannedNote]:
        """The agent's melody: of the last bars, and as far as it is planned."""
        line = [(f, self._line[f], tempo_map.place(f)) for f in sorted(self._line)]
        return notes_of(line, self._velocity, self._fixed_until, swung)

    @property
    def frames(self) -> tuple[int, ...]:
        """Those for which there is a melody."""
        return tuple(self._line)

    def turn(self, frame: int, tempo_map: TempoMap) -> Turn | None:
        """What is shown of the role; None where the agent only accompanies."""
        if self.role.name == ACCOMPANIES:
            return None
        bar = tempo_map.place(max(0, frame)).bar
        if bar < self.role.first_bar:
            begins = self.role.first_bar - bar
            return Turn(self.role.name, self.is_mine(frame, tempo_map), begins_in=begins)
        if not self.role.alternates:
            left = 0 if self.role.end_bar == FOREVER else max(0, self.role.end_bar - bar)
            return Turn(self.role.name, self.is_mine(frame, tempo_map), left)
        left = self.role.turn(bar)[1] - bar
        return Turn(self.role.name, self.role.is_agents(bar), left, self._told)

    @property
    def is_hidden(self) -> bool:
        """Whether the agent's melody is to be heard and not to be seen."""
        return self.role.name == ASKS
