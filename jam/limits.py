"""How much a file of any origin may hold. Checked before reading, and while reading.

A file beyond a limit is refused with one line (`jam.errors.BadInput`), and has cost no memory by
then. What musicians write lies far below every one of them.
"""

from __future__ import annotations

KIB, MIB = 2**10, 2**20

VOICE_SECONDS = 3_600
"""Of a recording that is transcribed."""
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

WEIGHTS_BYTES = 128 * MIB
"""Of a network that plays; what is shipped has 2.5 MB."""
CHECKPOINT_BYTES = 512 * MIB
"""Of a training run, with its optimiser."""
WEIGHTS_SETTINGS_BYTES = MIB
WEIGHT_SIZE = 1e4
"""No number of a network is larger: beyond, its sums would overflow. Trained ones stay below 2."""

SOUNDFONT_BYTES = 2048 * MIB

XML_BYTES = 32 * MIB
"""Of MusicXML, packed or unpacked."""
XML_ELEMENTS = 1_000_000
XML_DEPTH = 64
ABC_TUNE_CHARACTERS = 200_000
HUMDRUM_LINES = 50_000
HUMDRUM_SPINES = 200
TABLE_ROWS = 500_000
"""Of a table of a corpus (CSV or columns of numbers)."""
SHEET_LINE_BYTES = 8 * MIB
"""Of one lead sheet in JSONL."""
SONG_BYTES = 64 * MIB
"""Of any file of songs that isn't named here."""
ARCHIVE_BYTES, ARCHIVE_MEMBERS = 1024 * MIB, 100_000
"""Of an unpacked .tar."""
FRAMES = 100_000
"""Of a lead sheet: over an hour and a half at 240 beats a minute."""
MEASURES = 5_000
"""Of written music with all repeats played out."""
MELODY_NOTES = 50_000
SHEET_CHORDS = 50_000
RHYTHM_DENOMINATOR = 1 << 24
"""The finest place in a sixteenth: tuplets in tuplets, and not the arithmetic of an attack."""
CHORD_CHARACTERS = 64
"""Of a chord symbol in any notation."""
LABEL_CHARACTERS = 200
"""Of a title, a name, a tag, a text beside a moment."""

SESSION_BYTES = 64 * MIB
"""Of a session as JSON: some two hours."""
SESSION_LISTS = 8_000_000
"""Lists and objects within it, each of which takes memory."""
SESSION_ITEMS = 500_000
"""Rows, plans, notes: some ten hours of the fastest music."""
SESSION_CHANGES = 20_000
"""Of settings, of tempo, counters, moments."""
SESSION_TAKES, SESSION_TAGS = 1_000, 100
SESSION_SECONDS = 7 * 86_400.0
PLAN_FRAMES = 1_024
NOTES_AT_ONCE = 256
"""Of a melody that is put on the grid."""
PALETTE_ENTRIES = 300
"""More than there are chords and qualities."""
LIBRARY_BYTES = 4096 * MIB
"""Of a library that is imported."""
LIBRARY_SESSIONS = 20_000
LIBRARY_SONGS = 20_000
SHOWN_SONGS = 500
"""In a list; the others are found by their words."""
LIBRARY_VALUE_BYTES = 16 * MIB
"""Of one value in a library."""
SEARCH_WORDS = 32

CHART_BYTES = 8 * MIB
"""Of a file of charts: text, ChordPro, an export of iReal Pro with some thousand songs."""
CHART_SONGS = 5_000
SONG_BARS = 2_000
"""Of a song as it is written; played out, MEASURES."""
CHORDS_IN_BAR = 64
"""As many as the longest bar has frames."""
NOTES_IN_BAR, NOTE_FRAMES = 256, 4_096
"""Of a song's melody: notes that begin in one bar, and how long one lasts."""
