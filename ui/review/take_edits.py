"""Edits of the take in front: what was recorded stays, a rewritten take lies on top of it.

The first edit makes such a take, those that follow change it; each can be undone. Runs on: the
window's thread; the library does the work on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jam.performance.take import Take
from jam.sessions.library import Library
from jam.sessions.session import OWN_MELODY, Made, TakeInfo
from jam.settings import JamSettings
from ui.review.edits import Edits
from ui.review.model import ReviewModel

EDITED = "{}, rewritten"
"""What a take is called that lies on top of another."""


class TakeEdits:
    """Changes the model's take by functions from takes to takes."""

    def __init__(self, model: ReviewModel, edits: Edits) -> None:
        self._model, self._edits = model, edits

    def apply(
        self,
        words: str,
        change: Callable[[Take], Take],
        made: Sequence[Made] = (),
        settings: JamSettings | None = None,
    ) -> None:
        """Have the take in front changed. settings: those with which it sounds from now on."""
        session, base = self._model.session, self._model.take
        if session is None or base is None or self._edits.is_recorded():
            return
        session_id, on_top = session.info.id, base.kind == OWN_MELODY
        taken = replace(
            base, made=(*base.made, *made), settings=settings or base.settings, kind=OWN_MELODY
        )
        kept: list[tuple[TakeInfo, Take, Take]] = []
        """What was written, and what was there, once it is."""

        def do(library: Library) -> int:
            if kept:
                info, new, _ = kept[0]
                if on_top:
                    library.change_take(session_id, info, new)
                else:
                    library.undelete_take(session_id, info.id)
                return info.id
            old = library.take(session_id, base.id).take
            new = change(old)
            info = taken
            if on_top:
                library.change_take(session_id, info, new)
            else:
                name = EDITED.format(base.name)
                info = library.add_take(
                    session_id, name, OWN_MELODY, taken.settings, base.seed, new, taken.made
                )
            kept.append((info, new, old))
            return info.id

        def undo(library: Library) -> int:
            if kept:
                info, _, old = kept[0]
                if on_top:
                    library.change_take(session_id, base, old)
                else:
                    library.delete_take(session_id, info.id)
            return base.id

        def run(work: Callable[[Library], int]) -> None:
            self._model.library.ask(work, lambda shown: self._model.reload(session_id, shown))

        self._edits.push(words, lambda: run(do), lambda: run(undo))

    def keep(
        self, name: str, change: Callable[[Take], Take], made: Sequence[Made], settings: JamSettings
    ) -> None:
        """Keep the take in front, changed, beside it; it stays there."""
        session, base = self._model.session, self._model.take
        if session is None or base is None or self._edits.is_recorded():
            return
        session_id = session.info.id
        kept: list[int] = []

        def do(library: Library) -> int:
            if kept:
                library.undelete_take(session_id, kept[0])
            else:
                take = change(library.take(session_id, base.id).take)
                info = library.add_take(
                    session_id, name, OWN_MELODY, settings, base.seed, take, (*base.made, *made)
                )
                kept.append(info.id)
            return base.id

        def undo(library: Library) -> int:
            if kept:
                library.delete_take(session_id, kept[0])
            return base.id

        def run(work: Callable[[Library], int]) -> None:
            self._model.library.ask(work, lambda shown: self._model.reload(session_id, shown))

        self._edits.push(f"take “{name}”", lambda: run(do), lambda: run(undo))
