"""Numbers of the MIDI 1.0 and General MIDI specifications, by their names there."""

from __future__ import annotations

NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL = 0x80, 0x90, 0xA0, 0xB0
PROGRAM, PRESSURE, BEND = 0xC0, 0xD0, 0xE0
"""Status bytes of channel messages, without the channel."""
SUSTAIN, SOSTENUTO, SOFT, SOUND_OFF, NOTES_OFF = 64, 66, 67, 120, 123
"""Controllers: the three pedals (down from 64 on), all sound off, all notes off."""
MODULATION, BREATH, VOLUME, EXPRESSION = 1, 2, 7, 11
DATA_ENTRY, DATA_ENTRY_LSB, RPN_LSB, RPN_MSB = 6, 38, 100, 101
"""With them a keyboard tells, among other things, how far its pitch bend reaches."""
RESET = 121
"""Controllers back to where they are at rest; volume and program stay."""
EXPRESSIVE = frozenset(
    (
        *(MODULATION, BREATH, VOLUME, EXPRESSION, SOSTENUTO, SOFT),
        *(DATA_ENTRY, DATA_ENTRY_LSB, RPN_LSB, RPN_MSB),
    )
)
"""Those that shape the player's own sound, besides the sustain pedal."""
BEND_REST = 8192
"""Of 0 to 16383: no bend."""
SILENCE = (NOTES_OFF, SOUND_OFF, SUSTAIN)
"""Controllers that, sent with the value 0, silence a channel."""
SONG_POSITION = 0xF2
CLOCK_TICK, CLOCK_START, CLOCK_CONTINUE, CLOCK_STOP = 0xF8, 0xFA, 0xFB, 0xFC
BEAT = (SONG_POSITION, CLOCK_TICK, CLOCK_START, CLOCK_CONTINUE, CLOCK_STOP)
"""Messages that say where the beat is: System Common and Real Time."""
DRUM_CHANNEL = 9
"""Channels count from 0."""


def is_down(value: int) -> bool:
    """Whether a pedal with this value is down."""
    return value >= 64
