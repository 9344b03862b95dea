"""The accompaniment: from the line of chords to the notes of chords, bass and drums.

voicing: pitches of a chord. table, patterns, styles: what a style draws, in any metre. spans:
chords from onset to end. comping, bass, drums: the players. band: all of them, around what is
committed. Everything but the reading of style files is pure.
"""

from jam.accompaniment.band import Arrangement, Realisation, accompany
from jam.accompaniment.notes import (
    MIN_FRAMES,
    PARTS,
    Draft,
    Memory,
    Touch,
    dice,
    metronome,
    note_id,
)
from jam.accompaniment.styles import (
    DEFAULT_STYLE,
    Sound,
    Style,
    all_styles,
    playable_style,
    style_named,
    styles_dir,
)
from jam.accompaniment.voicing import BASS_RANGE, VOICES_RANGE, Voicing, voice

__all__ = [
    "Arrangement",
    "BASS_RANGE",
    "DEFAULT_STYLE",
    "Draft",
    "MIN_FRAMES",
    "Memory",
    "PARTS",
    "Realisation",
    "Sound",
    "Style",
    "Touch",
    "VOICES_RANGE",
    "Voicing",
    "accompany",
    "all_styles",
    "dice",
    "metronome",
    "note_id",
    "playable_style",
    "style_named",
    "styles_dir",
    "voice",
]
