"""Which instrument each part plays, and how loud: the same live, in files and in the window."""

from __future__ import annotations

from dataclasses import dataclass

from jam.accompaniment import Style
from jam.settings import JamSettings


@dataclass(frozen=True, slots=True)
class Voice:
    """Volume 0.0 to 1.0 and General MIDI program (drums: kit) of a part."""

    volume: float
    program: int


def conditioned(settings: JamSettings, style: Style) -> JamSettings:
    """The settings for the agent: the style's own condition where the user has set none."""
    if settings.style == "any" and style.model_style != "any":
        return settings.changed(style=style.model_style)
    return settings


def mix(settings: JamSettings, style: Style) -> dict[str, Voice]:
    """Every part that sounds, by name. What the user chose goes before what the style says."""
    chosen = {"chords": settings.agent_program, "bass": settings.bass_program}
    shares = {"chords": 1.0, "bass": settings.bass_volume, "drums": settings.drums_volume}
    voices = {"player": Voice(settings.player_volume, settings.player_program)}
    for part, share in shares.items():
        sound, program = style.sound(part), chosen.get(part)
        voices[part] = Voice(
            settings.agent_volume * sound.volume * share,
            sound.program if program is None else program,
        )
    voices["metronome"] = Voice(settings.metronome_volume, 0)
    return voices
