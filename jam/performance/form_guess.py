"""The form that shows itself in a jam, bar by bar as its logs come: a guess to be confirmed."""

from __future__ import annotations

from jam.messages.snapshot import SessionLog
from jam.music.form import Form, find_form
from jam.music.grid import Place
from jam.music.rows import Row

_BARS = 96
"""Older bars are not looked at."""
_SURE = 0.3
"""A form that is found with less confidence isn't told."""


class FormGuess:
    """Listens to the logs of one session after another; `form` is what was found so far."""

    def __init__(self) -> None:
        self.form: Form | None = None
        self._rows: list[Row] = []
        self._places: list[Place] = []
        self._session = 0

    @property
    def whole_bars(self) -> int:
        """How many were played, of those that are looked at."""
        return sum(p.frame_in_bar == p.meter.frames_per_bar - 1 for p in self._places)

    def take_log(self, log: SessionLog, listen_until_frame: int = 0) -> bool:
        """Look at the bars that are new; True where another length of the form is found, or none.

        Frames before `listen_until_frame` have no chords, and don't count.
        """
        if log.tempo_map is None:
            return False
        before = None if self.form is None else self.form.bars
        if log.session != self._session:
            self._session = log.session
            self._rows, self._places, self.form = [], [], None
        newest = self._places[-1].bar if self._places else 0
        for frame, row in log.rows:
            if frame >= listen_until_frame:
                self._rows.append(row)
                self._places.append(log.tempo_map.place(frame))
        if self._places and self._places[-1].bar != newest:
            first = self._places[-1].bar - _BARS
            start = next(i for i, place in enumerate(self._places) if place.bar >= first)
            del self._rows[:start], self._places[:start]
            form = find_form(self._rows, self._places)
            self.form = form if form is not None and form.confidence >= _SURE else None
        return before != (None if self.form is None else self.form.bars)
