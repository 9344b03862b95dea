"""The left hand while it leads: from when its chord sounds, how far it is committed, when it ends.

`LeftHand` says which chord the keys mean; here that becomes a place in the line of chords. Nothing
is written here: the conductor does as `Said` says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jam.messages.notes import NoteEvent, PedalEvent
from jam.music.chord import Chord
from jam.music.grid import TempoMap, nearest_frame
from jam.music.held_chord import HeldChord
from jam.music.rows import ChordState
from jam.performance.left_hand import FOR_THE_BAR, OFF, LeftHand
from jam.settings import JamSettings

_SETTLE_S = 0.03
"""So long after its last key a chord of the left hand is complete."""
_LATE_S = 0.15
"""A chord that comes so late in its frame is struck in the next one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How a session stands. open_frame: the frame that isn't closed yet. horizon_frame: how far
    the lookahead reaches."""

    now_s: float
    tempo_map: TempoMap
    settings: JamSettings
    open_frame: int
    horizon_frame: int

    @property
    def position(self) -> float:
        """In frames."""
        return self.tempo_map.position_at(self.now_s)

    @property
    def sent_until_frame(self) -> int:
        """Frames before this one have begun, or are sent early because of the latency offset."""
        ahead_s = max(0.0, self.settings.lead_s)
        return math.floor(self.tempo_map.position_at(self.now_s + ahead_s)) + 1

    def sent_at_s(self, frame: int) -> float:
        """When a frame begins, or is sent because of the latency offset."""
        return self.tempo_map.seconds_at(frame) - max(0.0, self.settings.lead_s)


@dataclass(frozen=True, slots=True)
class Said:
    """The hand's chord is to be committed from `first_frame` to before `end_frame`, whatever was
    committed there. is_new: it is struck; else it goes on."""

    held: HeldChord
    first_frame: int
    end_frame: int
    is_new: bool

    def states(self, before: ChordState) -> list[ChordState]:
        """One a frame; `before` is the one before them."""
        held = self.held
        strikes = self.is_new and (before.chord != held.chord or held.bass is not None)
        rest = [ChordState(held.chord, False)] * (self.end_frame - self.first_frame - 1)
        return [ChordState(held.chord, strikes), *rest]


@dataclass(frozen=True, slots=True)
class LetGo:
    """From `first_frame` on song and agent lead again."""

    first_frame: int


class HandInPlay:
    """The left hand of one session, and what the line of chords has of it."""

    def __init__(self) -> None:
        self._keys = LeftHand()
        self.due_s: float | None = None
        """When the keys that were struck are a chord, if they are one; None when none were."""
        self._said: HeldChord | None = None
        self._said_until_frame = 0
        self.stale_until_frame = -1
        """Plans from frames up to here don't know yet that the hand has let go."""

    @property
    def chord(self) -> HeldChord | None:
        """What the hand means now."""
        return self._keys.chord

    def takes(self, event: NoteEvent, settings: JamSettings, tempo_map: TempoMap) -> bool:
        """Take a key over; False for one that is the melody's."""
        note_id, pitch = event.note_id, event.pitch
        leads = bool(event.velocity) and settings.left_hand != OFF
        if leads and self._keys.takes(note_id, pitch, settings.split_pitch):
            self._keys.note_on(note_id, pitch, tempo_map.position_at(event.at_s))
            self.due_s = event.at_s + _SETTLE_S
            return True
        self._keys.note_off(note_id)
        return False

    def pedal(self, event: PedalEvent) -> None:
        """The sustain pedal, which holds its keys."""
        self._keys.pedal(event.down)

    def follow(self, now: Moment, sounds: Chord | None, may_lead: bool) -> Said | LetGo | None:
        """What has changed of what the hand says; None: nothing.

        sounds: the chord that sounds now. may_lead: False lets it go.
        """
        if self.due_s is not None and now.now_s < self.due_s:
            return None
        settings = now.settings
        struck_s, self.due_s = self.due_s, None
        if settings.left_hand == OFF and self._said is None:
            return None
        held = None
        if settings.left_hand != OFF and may_lead:
            beat = now.tempo_map.meter_at(max(0, math.floor(now.position))).frames_per_beat
            held = self._keys.judge(now.position, beat, sounds, settings.key_lock)
        if held == self._said:
            return None
        if held is None:
            return self._let_go(now)
        struck = now.position
        if struck_s is not None:
            struck = now.tempo_map.position_at(struck_s - _SETTLE_S)
        first = max(nearest_frame(struck), now.open_frame)
        begun_s = now.sent_at_s(first)
        if now.now_s - begun_s > _LATE_S or (begun_s < now.now_s and settings.lead_s > 0):
            first = now.sent_until_frame
        self._said = held
        return self._until(first, now, is_new=True)

    def _let_go(self, now: Moment) -> LetGo | None:
        if now.settings.left_hand == FOR_THE_BAR:
            return None  # its bar is played to the end
        self._said = None
        first = now.sent_until_frame
        if first >= self._said_until_frame:
            return None
        self.stale_until_frame = now.open_frame
        return LetGo(first)

    def go_on(self, now: Moment) -> Said | None:
        """What is held goes on, in the next bar too: the frames that are new; None without any."""
        if self._said is None:
            return None
        first, for_the_bar = self._said_until_frame, now.settings.left_hand == FOR_THE_BAR
        if self._said != self._keys.chord:
            if first <= now.open_frame:
                self._said = None
        elif not for_the_bar or first <= now.open_frame + 1:
            return self._until(first, now, is_new=False)
        return None

    def _until(self, first: int, now: Moment, is_new: bool) -> Said | None:
        end = now.horizon_frame
        if now.settings.left_hand == FOR_THE_BAR:
            end = now.tempo_map.next_bar_frame(max(first, now.open_frame) + 1)
        if self._said is None:
            return None
        said = Said(self._said, first, max(first, end), is_new) if end > first else None
        self._said_until_frame = first if said is None else end
        return said
