"""The instruments of General MIDI by their numbers, and its drum kits."""

from __future__ import annotations

_NAMES = """
Grand piano, Bright piano, Electric grand, Honky-tonk piano, Electric piano 1, Electric piano 2,
Harpsichord, Clavinet, Celesta, Glockenspiel, Music box, Vibraphone, Marimba, Xylophone,
Tubular bells, Dulcimer, Drawbar organ, Percussive organ, Rock organ, Church organ, Reed organ,
Accordion, Harmonica, Bandoneon, Nylon guitar, Steel guitar, Jazz guitar, Clean guitar,
Muted guitar, Overdriven guitar, Distorted guitar, Guitar harmonics, Acoustic bass, Finger bass,
Picked bass, Fretless bass, Slap bass 1, Slap bass 2, Synth bass 1, Synth bass 2, Violin, Viola,
Cello, Double bass, Tremolo strings, Pizzicato strings, Harp, Timpani, Strings 1, Strings 2,
Synth strings 1, Synth strings 2, Choir, Voice, Synth voice, Orchestra hit, Trumpet, Trombone,
Tuba, Muted trumpet, French horn, Brass section, Synth brass 1, Synth brass 2, Soprano sax,
Alto sax, Tenor sax, Baritone sax, Oboe, English horn, Bassoon, Clarinet, Piccolo, Flute,
Recorder, Pan flute, Bottle, Shakuhachi, Whistle, Ocarina, Square lead, Saw lead, Calliope lead,
Chiff lead, Charang lead, Voice lead, Fifths lead, Bass lead, New age pad, Warm pad,
Polysynth pad, Choir pad, Bowed pad, Metallic pad, Halo pad, Sweep pad, Rain, Soundtrack,
Crystal, Atmosphere, Brightness, Goblins, Echoes, Sci-fi, Sitar, Banjo, Shamisen, Koto, Kalimba,
Bagpipe, Fiddle, Shanai, Tinkle bell, Agogo, Steel drums, Woodblock, Taiko, Melodic tom,
Synth drum, Reverse cymbal, Fret noise, Breath, Seashore, Bird, Telephone, Helicopter, Applause,
Gunshot
"""

INSTRUMENTS: tuple[str, ...] = tuple(" ".join(_NAMES.split()).split(", "))
"""By program, 0 to 127."""

assert len(INSTRUMENTS) == 128

KITS: dict[int, str] = {
    0: "Standard kit",
    8: "Room kit",
    16: "Power kit",
    24: "Electronic kit",
    25: "Analog kit",
    32: "Jazz kit",
    40: "Brush kit",
    48: "Orchestra kit",
}
"""Drum kits by their program in the drum bank."""
