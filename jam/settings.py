"""Everything that a player can turn, with its limits, in one frozen dataclass.

Settings act while playing: what concerns the agent acts from the commit point on, metre at the
next bar line, tempo at the next frame, everything that concerns sound at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from jam.errors import BadInput
from jam.limits import PALETTE_ENTRIES
from jam.music.grid import Meter, check_bpm
from jam.music.palette import allowed_chords

MODELS = ("neural", "rules")
"""Minds of the agent; "neural" is played by the rules where its weights can't be loaded."""
STYLES = ("any", "pop", "jazz", "folk")
"""Style conditions of the model."""
DENSITIES = (0.5, 1.0, 2.0, 4.0)
"""Chord changes a bar that the density condition can ask for; None asks for none of them."""

MIN_TEMPERATURE = 0.01
"""Above 0, which takes the likeliest. Numbers divided by less would soon be none any more."""

# name -> (lowest, highest, unit) of every number that isn't checked elsewhere
LIMITS: dict[str, tuple[float, float, str]] = {
    "lookahead_beats": (1, 16, "beats"),
    "commit_beats": (0, 16, "beats"),
    "listen_bars": (0, 16, "bars"),
    "count_in_bars": (0, 4, "bars"),
    "temperature": (0.0, 2.0, ""),
    "futures": (1, 8, ""),
    "adventurous": (0.0, 1.0, ""),
    "player_volume": (0.0, 1.0, ""),
    "agent_volume": (0.0, 1.0, ""),
    "bass_volume": (0.0, 1.0, ""),
    "drums_volume": (0.0, 1.0, ""),
    "metronome_volume": (0.0, 1.0, ""),
    "player_program": (0, 127, ""),
    "agent_program": (0, 127, ""),
    "bass_program": (0, 127, ""),
    "drums_program": (0, 127, ""),
    "latency_offset_ms": (-500, 500, "ms"),
    "split_pitch": (0, 127, ""),
    "midi_channel": (0, 16, ""),
}
_OPTIONAL = frozenset(("agent_program", "bass_program", "drums_program"))


@dataclass(frozen=True, slots=True)
class JamSettings:
    """One jam's settings. Raises BadInput, naming the setting, for a value out of range."""

    bpm: float = 100.0
    meter: Meter = Meter(4, 4)
    lookahead_beats: int = 4
    commit_beats: int = 2
    listen_bars: int = 2
    count_in_bars: int = 1
    temperature: float = 1.0
    futures: int = 4
    """How many continuations of the melody a new chord is weighed against; 1 weighs none. What
    more of them bring and cost is measured by `python -m models.evaluation.futures`."""
    adventurous: float = 0.1
    """From chords that fit best (0) to chords of the greatest variety (1)."""
    model: str = "neural"
    """One of MODELS; another one plans from the commit point on."""
    accompaniment: str = "piano"
    """Name of a style of jam.accompaniment; one that doesn't exist plays as the default one."""
    style: str = "any"
    """The model's style condition; "any" leaves it to the accompaniment's style."""
    density: float | None = None
    key_lock: tuple[int, bool] | None = None
    """(tonic, is_minor): only chords of this key; None leaves the agent free."""
    palette: tuple[str, ...] = ()
    """Only these chords, each entry a quality on every root ("min7") or one chord ("Dm7"); empty
    allows all. It holds together with the key lock. See jam.music.palette."""
    metronome: bool = True
    player_volume: float = 0.9
    agent_volume: float = 0.5
    """Of the whole accompaniment; those of bass and drums are parts of it."""
    bass: bool = True
    drums: bool = True
    bass_volume: float = 1.0
    drums_volume: float = 1.0
    metronome_volume: float = 0.5
    player_program: int = 0
    agent_program: int | None = None
    """None takes the instrument of the accompaniment's style, here and for bass and drums."""
    bass_program: int | None = None
    drums_program: int | None = None
    """The kit: a program of General MIDI's drum bank (0 standard, 8 room, 40 brush)."""
    latency_offset_ms: float = 0.0
    """Accompaniment and metronome are sent so much earlier (negative: later), at the internal
    synth as at the MIDI outputs, for a sound system that delays them. Then what the player
    hears is on the grid, and so is what they play to it: their own notes are not moved."""
    split_pitch: int = 0
    """Only notes from this MIDI pitch up are the melody."""
    midi_channel: int = 0
    """0 listens to every channel, 1 to 16 to that one."""
    midi_clock: bool = False
    """The MIDI outputs get the clock of the jam: start, ticks, stop."""
    midi_programs: bool = False
    """The MIDI outputs get a program change for each instrument of the accompaniment. Off, since
    it would exchange the sound that somebody has loaded there."""

    def __post_init__(self) -> None:
        check_bpm(self.bpm)
        for name, (low, high, unit) in LIMITS.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if not low <= value <= high:
                raise BadInput(
                    f"{name.replace('_', ' ')} {value!s:.12}: must be between {low:g} and {high:g}"
                    + (f" {unit}" if unit else "")
                )
        if 0 < self.temperature < MIN_TEMPERATURE:
            raise BadInput(
                f"temperature {self.temperature:g}: must be 0, or {MIN_TEMPERATURE:g} up"
            )
        if self.model not in MODELS:
            raise BadInput(f"model {self.model!r}: must be one of {', '.join(MODELS)}")
        if self.style not in STYLES:
            raise BadInput(f"style {self.style!r}: must be one of {', '.join(STYLES)}")
        if self.density is not None and self.density not in DENSITIES:
            raise BadInput(f"density {self.density!r}: must be one of {DENSITIES} or none")
        if self.key_lock is not None and not 0 <= self.key_lock[0] < 12:
            raise BadInput(f"key {self.key_lock[0]}: the tonic must be 0 to 11")
        if len(self.palette) > PALETTE_ENTRIES:
            raise BadInput(f"palette: more than {PALETTE_ENTRIES} entries")
        allowed_chords(self.palette, self.key_lock)

    @property
    def lead_s(self) -> float:
        """The latency offset in seconds."""
        return self.latency_offset_ms / 1000.0

    def changed(self, **values: Any) -> JamSettings:
        """A copy with other values. Raises BadInput for an unknown name or a bad value."""
        if unknown := set(values) - {f.name for f in fields(self)}:
            raise BadInput(f"no such setting: {', '.join(sorted(unknown))}")
        return replace(self, **values)
