"""The tabs Music and Sound of the settings panel."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QLineEdit

from jam.errors import BadInput
from jam.music.key import key_name
from jam.music.palette import read_palette
from jam.settings import DENSITIES, LIMITS, MODELS, STYLES, JamSettings
from ui.common.text import pretty_symbol
from ui.settings.fields import Fields
from ui.settings.model import Desk
from ui.settings.panel import Section

KEYS = (
    ("Any key", None),
    *(
        (pretty_symbol(key_name((tonic, minor))), (tonic, minor))
        for minor in (False, True)
        for tonic in range(12)
    ),
)
_MODEL_WORDS = {"neural": "The network", "rules": "Plain rules"}
_DENSITY_WORDS = {0.5: "One in two bars", 1.0: "One a bar", 2.0: "Two a bar", 4.0: "Four a bar"}
_STYLE_WORDS = {"any": "As the accompaniment's", "pop": "Pop", "jazz": "Jazz", "folk": "Folk"}


class PaletteEdit(QLineEdit):
    """Chords typed as text; what can't be read is told and not taken."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.setPlaceholderText("all chords")
        self.setMaxLength(300)
        self.editingFinished.connect(self._on_finished)

    def show_palette(self, settings: JamSettings) -> None:
        if not self.hasFocus() or not self.isModified():
            self.setText(" ".join(settings.palette))

    def _on_finished(self) -> None:
        self.setModified(False)
        try:
            palette = read_palette(self.text())
        except BadInput as error:
            self._desk.told.emit(str(error))
        else:
            self._desk.change(palette=palette)
        self.show_palette(self._desk.settings)


class MusicSection(Section):
    """How the agent thinks, and how a session begins."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__()
        fields = self.fields = Fields(desk, LIMITS)
        fields.done = done
        self.heading("Chords")
        self.put(
            fields.choice(
                "key_lock",
                "Key",
                "Lock the agent to the chords of one key; any key leaves it free.",
                KEYS,
            )
        )
        palette = PaletteEdit(desk)
        fields.add(
            "palette",
            palette,
            "Only these",
            "The agent plays only these chords: kinds of chord (maj min7 7) or chords (Dm7 G7); "
            "empty allows all.",
            palette.show_palette,
        )
        palette.returnPressed.connect(done)
        self.put(palette)
        self.put(
            fields.choice(
                "density",
                "Changes",
                "How often the agent changes its chord: few changes are calm, many are busy.",
                [("As it likes", None), *((_DENSITY_WORDS[d], d) for d in DENSITIES)],
            )
        )
        self.put(
            fields.choice(
                "style",
                "Harmony",
                "Which kind of music the agent takes its chords from.",
                [(_STYLE_WORDS[style], style) for style in STYLES],
            )
        )
        self.heading("Agent")
        self.put(
            fields.choice(
                "model",
                "Mind",
                "Who thinks of the chords: the trained network, or plain rules.",
                [(_MODEL_WORDS[model], model) for model in MODELS],
            )
        )
        self.put(
            fields.slider(
                "temperature",
                "Temperature",
                "How freely the agent chooses: at 0 always the likeliest chord, above 1 often "
                "an unlikely one.",
                0.05,
                lambda value: f"{value:.2f}",
            )
        )
        self.put(
            fields.count(
                "futures",
                "Futures",
                "How many continuations of your melody the agent weighs a new chord against: more "
                "make surer choices and take more time.",
            )
        )
        self.heading("Start")
        self.put(
            fields.count(
                "count_in_bars", "Count-in", "Bars that the metronome counts before the first bar."
            )
        )
        self.put(
            fields.count(
                "listen_bars",
                "Listening",
                "Bars at the start in which the agent only listens to you.",
            )
        )


class SoundSection(Section):
    """Instruments and loudness."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__()
        fields = self.fields = Fields(desk, LIMITS)
        fields.done = done
        programs = list(zip(INSTRUMENTS, range(128), strict=True))
        own = [("As the style has it", None), *programs]
        self.heading("Instruments")
        self.put(
            fields.choice(
                "player_program",
                "Your instrument",
                "The instrument that sounds when you play.",
                programs,
            ),
            "You",
        )
        self.put(
            fields.choice(
                "agent_program",
                "Instrument of the chords",
                "The instrument of the agent's chords.",
                own,
            ),
            "Chords",
        )
        self.put(
            fields.choice(
                "bass_program",
                "Instrument of the bass",
                "The instrument of the agent's bass line.",
                own,
            ),
            "Bass",
        )
        self.put(
            fields.choice(
                "drums_program", "Drum kit", "The drum kit.", [("As the style has it", None), *KITS]
            ),
            "Drums",
        )
        self.heading("Loudness")
        self.put(
            fields.slider(
                "bass_volume", "Bass volume", "How loud the bass is within the accompaniment."
            ),
            "Bass",
        )
        self.put(
            fields.slider(
                "drums_volume", "Drums volume", "How loud the drums are within the accompaniment."
            ),
            "Drums",
        )
        self.hint("Your loudness, the agent's and the metronome's are on the bar above.")


_NAMES = """
Grand piano, Bright piano, Electric grand, Honky-tonk piano, Electric piano 1, Electric piano 2,
Harpsichord, Clavinet, Celesta, Glockenspiel, Music box, Vibraphone, Marimba, Xylophone,
Tubular bells, Dulcimer, Drawbar organ, Percussive organ, Rock organ, Church organ, Reed organ,
Accordion, Harmonica, Bandoneon, Nylon guitar, Steel guitar, Jazz guitar, Clean guitar,
Muted guitar, Overdriven guitar, Distorted guitar, Guitar harmonics, Acoustic bass, Finger bass,
Picked bass, Fretless bass, Slap bass 1, Slap bass 2, Synth bass 1, Synth bass 2, Violin, Viola,
Cello, Double bass, Tremolo strings, Plucked strings, Harp, Timpani, Strings 1, Strings 2,
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

KITS: tuple[tuple[str, int], ...] = (
    ("Standard kit", 0),
    ("Room kit", 8),
    ("Power kit", 16),
    ("Electronic kit", 24),
    ("Analog kit", 25),
    ("Jazz kit", 32),
    ("Brush kit", 40),
    ("Orchestra kit", 48),
)
"""Drum kits and their programs in the drum bank."""
