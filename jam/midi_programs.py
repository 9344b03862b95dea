"""Program changes: an external synthesizer gets the instruments that the internal one plays."""

from __future__ import annotations

from collections.abc import Callable

from jam.accompaniment import Style
from jam.mix import mix
from jam.settings import JamSettings
from jam.synth import CHANNELS

_PARTS = ("chords", "bass", "drums")
"""The player's own channel is left alone: it may be the very keyboard that they play on."""


class ProgramChanges:
    """Sends each part's General MIDI program when it has changed. Owned by the stage's loop."""

    def __init__(self, send: Callable[[tuple[int, ...]], None]) -> None:
        self._send = send
        self._sent: dict[str, int] = {}

    def apply(self, settings: JamSettings, style: Style) -> None:
        """The instruments of these settings and this style from now on."""
        voices = mix(settings, style)
        for part in _PARTS:
            if self._sent.get(part) != voices[part].program:
                self._sent[part] = voices[part].program
                self._send((0xC0 | CHANNELS[part], voices[part].program))

    def forget(self) -> None:
        """Somebody listens who doesn't know what was sent: the next time all of it is."""
        self._sent.clear()
