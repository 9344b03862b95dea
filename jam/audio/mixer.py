"""The internal synth and what it is set to; the synth may be exchanged while it plays."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.accompaniment import Style, playable_style
from jam.audio.synth import Along, Synth
from jam.messages.notes import CONTROLLER, KEY_PRESSURE, Expression
from jam.midi.numbers import SUSTAIN
from jam.settings import JamSettings


class Sound:
    """Plays every part on the synth there is; without one it is silent.

    Notes come from any thread; `apply`, `preload` and `use` from the stage's loop and the
    devices' thread.
    """

    def __init__(self) -> None:
        self._synth: Synth | None = None
        self._voices: dict[str, Voice] = {}
        self._controls: dict[tuple[int, str, int], Expression] = {}
        """Where each of the player's controls stands, by lane, kind and number."""
        self._master = 1.0
        self._lock = threading.Lock()
        """Guards what the synth is set to, never a note."""
        self._preloading: threading.Thread | None = None
        self.along: Along | None = None
        """Sounds along with the synth."""

    def use(self, synth: Synth | None) -> None:
        """Play on another synth from now on, with the same voices; what sounds is cut off."""
        if synth is not None:
            self._prepare(synth)  # what has to be loaded is, before anyone has to wait for it
        if synth is not None:
            synth.along = self._add_along
        with self._lock:
            before, self._synth = self._synth, None
            if before is not None:
                before.panic()
            if synth is not None:
                self._prepare(synth)
            self._synth = synth

    def _add_along(self, block: NDArray[np.float32], rate_hz: int) -> None:
        """Runs on: audio callback."""
        if (along := self.along) is not None:
            along(block, rate_hz)

    def _prepare(self, synth: Synth) -> None:
        for part, voice in list(self._voices.items()):
            synth.set_volume(part, voice.volume)
            synth.set_program(part, voice.program)
        for (lane, _, _), control in list(self._controls.items()):
            synth.control(control, lane)
        synth.set_master(self._master)

    def apply(self, settings: JamSettings, style: Style) -> None:
        """Volumes and instruments: the user's, and those of the style."""
        with self._lock:
            if settings.master_volume != self._master:
                self._master = settings.master_volume
                if self._synth is not None:
                    self._synth.set_master(self._master)
            for part, voice in mix(settings, style).items():
                old, self._voices[part] = self._voices.get(part), voice
                if self._synth is None:
                    continue
                if old is None or old.volume != voice.volume:
                    self._synth.set_volume(part, voice.volume)
                if old is None or old.program != voice.program:
                    self._synth.set_program(part, voice.program)

    def preload(self, settings: JamSettings) -> None:
        """Load the instruments of a style that will begin at a bar line, beside the music."""
        if (synth := self._synth) is None:
            return
        voices = mix(settings, playable_style(settings.accompaniment))

        def load() -> None:
            for part in ("chords", "bass", "drums"):
                synth.preload(part, voices[part].program)

        self._preloading = threading.Thread(target=load, name="preload", daemon=True)
        self._preloading.start()

    def note(self, part: str, pitch: int, velocity: int, lane: int = 0) -> None:
        """Note-on, or (velocity 0) note-off. Runs on: MIDI callback, scheduler, the loop.

        lane: which of the player's keyboards it is on; each has pedals and bends of its own.
        """
        if (synth := self._synth) is None:
            return
        if velocity:
            synth.note_on(part, pitch, velocity, lane)
        else:
            synth.note_off(part, pitch, lane)

    def pedal(self, value: int, lane: int = 0) -> None:
        """The sustain pedal of one of the player's keyboards, 0 to 127."""
        self.control(Expression(CONTROLLER, SUSTAIN, value), lane)

    def control(self, control: Expression, lane: int = 0) -> None:
        """Move a control of one of the player's keyboards. Runs on: MIDI callback."""
        if control.kind != KEY_PRESSURE:
            self._controls[lane, control.kind, control.number] = control
        if (synth := self._synth) is not None:
            synth.control(control, lane)

    @property
    def voices(self) -> int:
        """How many voices sound now, those that ring on among them."""
        return synth.voices if (synth := self._synth) is not None else 0

    def panic(self) -> None:
        """Silence every channel at once."""
        if (synth := self._synth) is not None:
            synth.panic()

    def close(self) -> None:
        self.use(None)
        if self._preloading is not None:
            self._preloading.join(timeout=2.0)


@dataclass(frozen=True, slots=True)
class Voice:
    """Volume 0.0 to 1.0 and General MIDI program (drums: kit) of a part."""

    volume: float
    program: int


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
    solo = settings.agent_volume * settings.solo_volume
    voices["solo"] = Voice(solo, settings.solo_program)
    voices["metronome"] = Voice(settings.metronome_volume, 0)
    return voices
