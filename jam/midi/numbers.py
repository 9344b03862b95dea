"""Numbers of the MIDI 1.0 and General MIDI specifications, by their names there."""

from __future__ import annotations

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, PRESSURE, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xD0, 0xE0
"""Status bytes of channel messages, without the channel."""
SUSTAIN, SOSTENUTO, SOFT, SOUND_OFF, NOTES_OFF = 64, 66, 67, 120, 123
"""Controllers: the three pedals (down from 64 on), all sound off, all notes off."""
SILENCE = (NOTES_OFF, SOUND_OFF, SUSTAIN)
"""Controllers that, sent with the value 0, silence a channel."""
DRUM_CHANNEL = 9
"""Channels count from 0."""


def is_down(value: int) -> bool:
    """Whether a pedal with this value is down."""
    return value >= 64
