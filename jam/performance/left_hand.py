"""The left hand: from its keys and the pedal, as they come, to the chord that it means.

Keys that are down together are a chord (two of them only when they are struck together). Keys that
are struck one after another are one too: those of the last beats count, as long as none comes that
the chord doesn't have. The pedal holds keys down. Pure but for what it remembers; positions are in
frames.
"""

from __future__ import annotations

from dataclasses import dataclass

from jam.music.chord import Chord
from jam.music.held_chord import FEWEST_PITCHES, HeldChord, gap_split, held_chord
from jam.music.key import Key

OFF, WHILE_HELD, FOR_THE_BAR = "off", "held", "bar"
SPLIT_AT_START = 60
"""Until the hands' gap is known."""
_ARPEGGIO_BEATS = 2
"""So long after its stroke a key that came up belongs to a broken chord."""
_FEWEST_BROKEN = 3
_TOGETHER_FRAMES = 0.6
"""Two keys struck within that are a shell; more of them are a chord whenever they are down."""


@dataclass(slots=True)
class _Key:
    pitch: int
    struck: float
    is_down: bool = True
    is_pedalled: bool = False

    @property
    def sounds(self) -> bool:
        return self.is_down or self.is_pedalled


class LeftHand:
    """Which keys the left hand holds, and `chord`, the one that it means. For one player."""

    def __init__(self) -> None:
        self.chord: HeldChord | None = None
        self._learnt = SPLIT_AT_START
        self._right: dict[int, int] = {}
        self._keys: dict[int, _Key] = {}
        """By note id; those that came up stay while they may belong to a broken chord."""
        self._is_broken = True
        """No chord has been down as a whole since the hand moved."""
        self._confirmed = False
        self._pedal = False
        self._struck: float | None = None
        """The newest stroke; None when it has been judged."""
        self._last = 0.0

    def takes(self, note_id: int, pitch: int, split_pitch: int) -> bool:
        """Whether a key that goes down is the left hand's. split_pitch: 0 learns it from the gap
        between the hands."""
        if not split_pitch:
            held = [*self._right.values(), pitch]
            held += [key.pitch for key in self._keys.values() if key.is_down]
            high = gap_split(held, self._learnt)
            low = max((p for p in held if p < high), default=high)
            if high != self._learnt and low < high:
                self._learnt = (low + high + 1) // 2
        if pitch >= (split_pitch or self._learnt):
            self._right[note_id] = pitch
            return False
        return True

    def holds(self, note_id: int) -> bool:
        """Whether a note is one of the left hand's."""
        return note_id in self._keys

    def note_on(self, note_id: int, pitch: int, position: float) -> None:
        """A key of the left hand goes down."""
        known = self._pitch_classes(self.chord) if self.chord is not None else set()
        if self._confirmed and pitch % 12 not in known:  # the hand moves
            self._keys = {i: key for i, key in self._keys.items() if key.is_down}
            self._is_broken, self._confirmed = True, False
        self._keys[note_id] = _Key(pitch, position)
        self._struck = self._last = position

    def note_off(self, note_id: int) -> None:
        """A key comes up, of either hand; others are ignored."""
        self._right.pop(note_id, None)
        if (key := self._keys.get(note_id)) is not None:
            key.is_down, key.is_pedalled = False, self._pedal

    def pedal(self, down: bool) -> None:
        """The sustain pedal."""
        self._pedal = down
        if not down:
            for key in self._keys.values():
                key.is_pedalled = False

    @staticmethod
    def _pitch_classes(held: HeldChord) -> set[int]:
        own = set(held.chord.pitch_classes)
        return own if held.bass is None else own | {held.bass}

    def judge(
        self, position: float, beat_frames: int, before: Chord | None, key: Key | None
    ) -> HeldChord | None:
        """The chord that the hand means now; None when it rests.

        before: the chord that sounds; key: of the music. Both decide between like names.
        """
        until = position - _ARPEGGIO_BEATS * beat_frames
        self._keys = {i: k for i, k in self._keys.items() if k.sounds or k.struck > until}
        sounding = [k for k in self._keys.values() if k.sounds]
        if self._struck is not None:
            self._struck = None
            self._recognise(sounding, before, key)
        broken_off = self._is_broken and self._last > until
        alive = broken_off if not self._confirmed else bool(sounding) or broken_off
        if not alive:
            self.chord = None
        return self.chord

    def _recognise(self, sounding: list[_Key], before: Chord | None, key: Key | None) -> None:
        classes = {k.pitch % 12 for k in sounding}
        strokes = [k.struck for k in sounding]
        together = bool(strokes) and max(strokes) - min(strokes) <= _TOGETHER_FRAMES
        if len(classes) >= _FEWEST_BROKEN or (len(classes) >= FEWEST_PITCHES and together):
            self._is_broken = False
        counted = list(self._keys.values()) if self._is_broken else sounding
        fewest = _FEWEST_BROKEN if self._is_broken else FEWEST_PITCHES
        pitches = [k.pitch for k in counted]
        if len({pitch % 12 for pitch in pitches}) < fewest:
            # A note of the chord that is meant already says nothing new.
            self._confirmed |= self.chord is not None and classes <= self._pitch_classes(self.chord)
            return
        if (found := held_chord(pitches, before, key)) is not None:
            self.chord, self._confirmed = found, True
