"""The demo in the window: jam plays by itself, so that one sees what it does."""

from __future__ import annotations

import secrets
from typing import Any

from jam.clock import Clock
from jam.engine.demo import TunePlayer
from jam.files import demo_tunes
from jam.midi.file import read_tune
from ui.common.record_button import Recorder
from ui.engine_link import EngineLink
from ui.settings.model import SettingsModel

WATCH_DEMO = "Watch a demo"
DEMO_OVER = "That was the demo. Press Space and play."


class Demo:
    """A bundled tune is played into a jam that isn't recorded, in the tune's tempo and metre."""

    def __init__(
        self, link: EngineLink, clock: Clock, model: SettingsModel, recorder: Recorder | None
    ) -> None:
        self._link, self._clock, self._model, self._recorder = link, clock, model, recorder
        self._tune: TunePlayer | None = None
        self._before: dict[str, Any] = {}
        self._recorded = False

    @property
    def is_on(self) -> bool:
        return self._tune is not None

    def start(self) -> None:
        """Start a jam and play. Raises BadInput or OSError where there is no tune to be read."""
        if self._tune is not None:
            return
        song = read_tune(demo_tunes()[0])
        first, now = song.tempo_map.segments[0], self._model.settings
        self._before = {"bpm": now.bpm, "meter": now.meter}
        if self._recorder is not None:
            self._recorded, self._recorder.recording = self._recorder.recording, False
        self._model.change("tempo of the demo", bpm=first.bpm, meter=first.meter)
        self._tune = TunePlayer(self._link.send, self._link.snapshot, song, self._clock)
        self._tune.start(secrets.randbits(32))

    def end(self) -> None:
        """Everything is as it was before; the jam itself is stopped elsewhere."""
        if self._tune is None:
            return
        tune, self._tune = self._tune, None
        tune.close()
        self._model.change("tempo before the demo", **self._before)
        if self._recorder is not None:
            self._recorder.recording = self._recorded
