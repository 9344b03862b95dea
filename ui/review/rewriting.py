"""Rewriting in review: bars composed again, proposals heard and accepted, levels made anew.

Runs on: the window's thread; the composing is a job in a process of its own, what is written the
library's thread does.
"""

from __future__ import annotations

import secrets

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QWidget

from jam.accompaniment import playable_style
from jam.errors import BadInput
from jam.music.palette import read_palette
from jam.performance.new_sound import instruments_in_words, mix_in_words, new_instruments, new_mix
from jam.performance.rewriting import RewriteWish, with_band, with_performance
from jam.performance.take import Take
from jam.sessions.session import Level, Made, TakeInfo
from jam.sessions.tasks import Proposal, made_by
from ui.common.text import newest_levels, percent
from ui.review.by_hand import ByHand
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.review.playback_actions import PlaybackActions
from ui.review.rewriting_bar import RewritingBar
from ui.review.roll import Roll
from ui.review.selected_bars import SelectedBars
from ui.review.take_edits import TakeEdits
from ui.review.tasks import Tasks

NO_REWRITER = "Nothing here can compose bars again."
NO_PROPOSALS = "No proposals: press R to compose these bars again."
NOTHING_FREE = "Nothing to compose here: notes that go beyond these bars fill them."


class Rewriting(QObject):
    """parent: dialogs open over its window."""

    def __init__(
        self,
        model: ReviewModel,
        bar: RewritingBar,
        roll: Roll,
        edits: TakeEdits,
        tasks: Tasks,
        playback: PlaybackActions,
        news: NewsBar,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._model, self._bar, self._roll = model, bar, roll
        self._edits, self._tasks, self._playback, self._news = edits, tasks, playback, news
        self._bars = SelectedBars(model, bar)
        self.by_hand = ByHand(model, bar, roll, edits, news, self._bars, parent)
        self.proposals: list[Proposal] = []
        self.chosen = -1
        """Which of them is heard; -1: none, it is as it was."""
        self._wish: RewriteWish | None = None
        self._shown: object = None
        bar.compose_wanted.connect(self.compose)
        bar.proposal_chosen.connect(self.choose)
        bar.accepted.connect(self.accept)
        bar.kept.connect(self.keep)
        bar.discarded.connect(self.discard)
        bar.part_chosen.connect(lambda _: self.follow())
        bar.again_wanted.connect(self.again)
        roll.loop_drawn_on.connect(self._on_drawn_on)
        model.front_changed.connect(self._on_front)

    # What is selected

    def follow(self) -> None:
        """Show what is selected; called as often as the screen is drawn."""
        session, selection = self._model.session, self._bars.selection
        shown = None
        if self._bar.isVisible() and session is not None and selection is not None:
            frames = selection.frames(session.tempo_map)
            at = session.tempo_map.seconds_at
            shown = (at(frames.start), at(frames.stop)), selection.chords, selection.melody
            self._bar.show_where(selection.words)
        if shown != self._shown:
            self._shown = shown
            self._roll.show_selection(shown)

    def toggle(self) -> None:
        """Show or hide the bar."""
        self._bar.setVisible(not self._bar.isVisible())
        if not self._bar.isVisible():
            self.by_hand.edit_notes(False)
            self.discard()
        self.follow()

    def next_part(self) -> None:
        """Chords, melody, both."""
        part = self._bar.part
        part.setCurrentIndex((part.currentIndex() + 1) % part.count())
        self._model.told.emit(f"Compose again: {part.currentText().lower()}")

    def resize_selection(self, bars: int) -> None:
        """So many bars more, or less, at its end."""
        session, selected = self._model.session, self._bars.bars
        if session is None or selected is None:
            return
        tempo_map = session.tempo_map
        first, last = selected
        end = tempo_map.bar_start(max(first, last + bars) + 1)
        at = tempo_map.seconds_at
        self._playback.set_loop((at(tempo_map.bar_start(first)), at(end)))

    def _on_drawn_on(self, part: str) -> None:
        """The loop was drawn on the lane of the chords, or among the notes."""
        if self._bar.isVisible():
            self._bar.part.show_value(part)

    # Composing

    def compose(self) -> None:
        """Open the bar; where it is open, have the selection composed again."""
        session, taken, selection = self._model.session, self._model.take, self._bars.selection
        if session is None or taken is None or selection is None:
            return
        if not self._bar.isVisible():
            self.toggle()
            return
        if not self._tasks.can_compose:
            self._model.told.emit(NO_REWRITER)
            return
        bar = self._bar
        try:
            palette = read_palette(bar.palette_.text())
        except BadInput as error:
            self._news.tell(f"{error}.", alert=True)
            return
        self.discard()
        wish = RewriteWish(
            selection,
            bar.count.values[bar.count.currentIndex()],
            bar.share.values[bar.share.currentIndex()],
            bar.temperature.number(),
            bar.key.values[bar.key.currentIndex()],
            palette,
            secrets.randbelow(100_000),
        )

        def then(found: list[Proposal]) -> None:
            if self._model.session is None or self._model.take != taken:
                return
            if not found:
                self._news.tell(NOTHING_FREE)
                return
            self._news.hide()
            self.proposals, self._wish = found, wish
            frames = selection.frames(session.tempo_map)
            at = session.tempo_map.seconds_at
            self._playback.set_loop((at(frames.start), at(frames.stop)))
            self._roll.bring_into_sight(at(frames.start), at(frames.stop))
            self.choose(0)
            if not self._model.player.playing:
                self._playback.play_pause()

        self._tasks.compose(wish, taken.settings, then)

    def choose(self, number: int) -> None:
        """Hear and see this proposal; -1: what is there now."""
        if not self.proposals:
            self._model.told.emit(NO_PROPOSALS)
            return
        self.chosen = number
        self._bar.show_proposals([p.likelihood for p in self.proposals], number)
        self._model.preview(self.proposals[number].patch.on if number >= 0 else None)

    def step(self, by: int) -> None:
        """The next proposal, or the one before; after the last comes what was there."""
        n = len(self.proposals) + 1
        self.choose((self.chosen + 1 + by) % n - 1)

    def accept(self) -> None:
        """Put the proposal into the take."""
        wish = self._wish
        if not 0 <= self.chosen < len(self.proposals) or wish is None:
            self._model.told.emit(NO_PROPOSALS)
            return
        patch, made = self.proposals[self.chosen].patch, made_by(wish)
        self._forget()
        self._edits.apply(f"{wish.selection.words} composed again", patch.on, made)

    def keep(self) -> None:
        """Keep the proposal as a take of its own."""
        wish, taken = self._wish, self._model.take
        if not 0 <= self.chosen < len(self.proposals) or wish is None or taken is None:
            self._model.told.emit(NO_PROPOSALS)
            return
        name = f"{wish.selection.words.capitalize()}, {wish.selection.part} {self.chosen + 1}"
        patch = self.proposals[self.chosen].patch
        self._forget()
        self._edits.keep(name, patch.on, made_by(wish), taken.settings)

    def discard(self) -> None:
        """Leave everything as it was."""
        if self.proposals:
            self._forget()
            self._model.preview(None)

    def _forget(self) -> None:
        self.proposals, self.chosen, self._wish = [], -1, None
        self._bar.show_proposals(())

    def _on_front(self, _: bool) -> None:
        if self.proposals and not self._model.previews:
            self._forget()
        if (taken := self._model.take) is not None:
            self._bar.show_levels(levels_in_words(taken))

    # Levels

    def again(self, level: Level) -> None:
        """One level anew in the selection; those above it stay."""
        taken, frames, session = self._model.take, self._bars.frames, self._model.session
        if taken is None or frames is None or session is None:
            return
        seed, where = secrets.randbelow(100_000), self._bars.where
        settings, style = taken.settings, playable_style(taken.settings.accompaniment)
        if level in ("sound", "mix"):
            if level == "sound":
                changed = new_instruments(settings, style, seed)
                words = instruments_in_words(changed, style)
            else:
                changed = new_mix(settings, seed)
                words = mix_in_words(changed, style)
            made = Made(level, words, seed)
            self._edits.apply(f"{level} again", lambda take: take, (made,), changed)
            return
        change = with_band if level == "texture" else with_performance
        words = f"{style.title}, {where}, seed {seed}"

        def anew(take: Take) -> Take:
            return change(take, _within(take, frames), settings, seed)

        self._edits.apply(f"{level} again", anew, (Made(level, words, seed),))


def levels_in_words(taken: TakeInfo) -> dict[Level, str]:
    """What each level is made of, also where it was never made anew."""
    settings, style = taken.settings, playable_style(taken.settings.accompaniment)
    usual: dict[Level, str] = {
        "texture": f"{style.title}, seed {taken.seed}",
        "performance": f"feel {percent(settings.feel)}",
    }
    now: dict[Level, str] = {
        "sound": instruments_in_words(settings, style),
        "mix": mix_in_words(settings, style),
    }
    return usual | newest_levels(taken) | now


def _within(take: Take, frames: range) -> range:
    return range(max(0, frames.start), min(frames.stop, len(take.chords)))
