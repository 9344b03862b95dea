"""Another sound for a take, drawn by a seed: its instruments, and how loud each part is. Pure."""

from __future__ import annotations

from jam.accompaniment import Style, dice
from jam.music.instruments import INSTRUMENTS, KITS
from jam.settings import JamSettings

_CHORDS = (0, 1, 2, 4, 5, 11, 16, 24, 25, 26, 27, 46, 48, 50, 52, 89)
_BASSES = (32, 33, 34, 35, 38, 39)
_KITS = (0, 8, 16, 25, 32, 40)
_SOFTER_DB = 9.0
"""Bass and drums are at most so much softer than what the style has."""
_BAND_DB = 3.0
"""The band as a whole is so much softer or louder than by default."""
_INSTRUMENTS_DICE, _MIX_DICE = 71, 72


def instruments_in_words(settings: JamSettings, style: Style) -> str:
    """The names of what plays."""
    chosen = {"chords": settings.agent_program, "bass": settings.bass_program}
    names = []
    for part in _playing(settings, style):
        program = settings.drums_program if part == "drums" else chosen[part]
        program = style.sound(part).program if program is None else program
        names.append(KITS.get(program, "Kit") if part == "drums" else INSTRUMENTS[program])
    return ", ".join(names)


def mix_in_words(settings: JamSettings, style: Style) -> str:
    """How loud the band is, and bass and drums within it."""
    volumes = {"chords": settings.agent_volume, "bass": settings.bass_volume}
    volumes["drums"] = settings.drums_volume
    words = [
        f"{'band' if part == 'chords' else part} {volumes[part]:.0%}"
        for part in _playing(settings, style)
    ]
    return ", ".join(words).replace("%", " %")


def _playing(settings: JamSettings, style: Style) -> list[str]:
    silent = {"bass": not settings.bass, "drums": not settings.drums}
    return ["chords", *(p for p in ("bass", "drums") if p in style.parts and not silent[p])]


def new_instruments(settings: JamSettings, style: Style, seed: int) -> JamSettings:
    """Other instruments, each another one than now."""

    def other(number: int, part: str, chosen: int | None, choices: tuple[int, ...]) -> int:
        now = style.sound(part).program if chosen is None else chosen
        left = [program for program in choices if program != now]
        return left[int(dice(seed, _INSTRUMENTS_DICE, number) * len(left))]

    return settings.changed(
        agent_program=other(0, "chords", settings.agent_program, _CHORDS),
        bass_program=other(1, "bass", settings.bass_program, _BASSES),
        drums_program=other(2, "drums", settings.drums_program, _KITS),
    )


def new_mix(settings: JamSettings, seed: int) -> JamSettings:
    """Other volumes of chords, bass and drums."""

    def gain(number: int, lowest_db: float, highest_db: float) -> float:
        level_db = lowest_db + (highest_db - lowest_db) * dice(seed, _MIX_DICE, number)
        return float(10 ** (level_db / 20))

    usual = JamSettings().agent_volume
    return settings.changed(
        agent_volume=min(1.0, round(usual * gain(0, -_BAND_DB, _BAND_DB), 2)),
        bass_volume=round(gain(1, -_SOFTER_DB, 0.0), 2),
        drums_volume=round(gain(2, -_SOFTER_DB, 0.0), 2),
    )
