"""How much a file of any origin may hold. Checked before reading, and while reading.

A file beyond a limit is refused with one line (`jam.errors.BadInput`), and has cost no memory by
then. What musicians write lies far below every one of them.
"""

from __future__ import annotations

KIB, MIB = 2**10, 2**20

MIDI_BYTES = 16 * MIB
MIDI_TRACKS = 1_000
MIDI_EVENTS = 1_000_000
MIDI_NOTES = 100_000
MIDI_QUARTERS = 25_000
"""Four hours at 100 quarter notes a minute."""

SETTINGS_BYTES = MIB
"""The preferences with every preset that can be kept take a tenth of it."""
STYLE_BYTES = 64 * KIB
STYLE_BARS = 8

WEIGHTS_BYTES = 512 * MIB
WEIGHTS_SETTINGS_BYTES = MIB
SOUNDFONT_BYTES = 2048 * MIB
