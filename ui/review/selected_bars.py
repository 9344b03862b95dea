"""Which bars of a take are selected: those of the loop, or the bar at the playhead."""

from __future__ import annotations

from jam.music.grid import nearest_frame
from jam.performance.rewriting import Selection
from ui.review.model import ReviewModel
from ui.review.rewriting_bar import PARTS, RewritingBar

EVERYWHERE = range(-(10**6), 10**9)


class SelectedBars:
    """Of the model's take; which part of them the bar of rewriting says."""

    def __init__(self, model: ReviewModel, bar: RewritingBar) -> None:
        self._model, self._bar = model, bar

    @property
    def bars(self) -> tuple[int, int] | None:
        """The first and the last bar of the loop, or the bar at the playhead twice."""
        session, state = self._model.session, self._model.player.state
        if session is None or state is None:
            return None
        tempo_map = session.tempo_map
        first_s, last_s = state.loop or (self._model.player.position_s,) * 2
        first = max(0, nearest_frame(tempo_map.position_at(first_s) - 0.49))
        last = max(first, nearest_frame(tempo_map.position_at(last_s)) - 1)
        return tempo_map.place(first).bar, tempo_map.place(last).bar

    @property
    def selection(self) -> Selection | None:
        """These bars, and the part."""
        part = PARTS[self._bar.part.currentIndex()][1]
        bars = self.bars
        return None if bars is None else Selection(*bars, part)

    @property
    def frames(self) -> range | None:
        """Those of the loop; without one, all that there is."""
        session, state = self._model.session, self._model.player.state
        if session is None or state is None:
            return None
        if state.loop is None:
            return EVERYWHERE
        first_s, last_s = state.loop
        at = session.tempo_map.position_at
        return range(nearest_frame(at(first_s)), nearest_frame(at(last_s)))

    @property
    def where(self) -> str:
        """In words."""
        state, selection = self._model.player.state, self.selection
        whole = state is None or state.loop is None or selection is None
        return "everywhere" if whole or selection is None else selection.words
