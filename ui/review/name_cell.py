"""A session's name in the list, with a line of small print below it."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtWidgets import QTableView

from jam.accompaniment import playable_style
from jam.sessions.session import SessionInfo
from ui.common.text import key_text, length_text, short_date_text
from ui.common.two_lines import TwoLines

INFO_ROLE = int(Qt.ItemDataRole.UserRole)
"""As which a row of the list gives its SessionInfo."""


def style_title(info: SessionInfo) -> str:
    """The name of the style with which a session began."""
    return playable_style(info.style).title


class NameCell(TwoLines):
    """A session's name, and in small print what has no column of its own."""

    def __init__(self, view: QTableView) -> None:
        super().__init__(view)
        self.has_length = self.has_key = self.wide = False

    def small(self, index: QModelIndex) -> str:
        """What tells it from others comes first: the end may not be seen."""
        info: SessionInfo = index.data(INFO_ROLE)
        parts = [short_date_text(info.started_at)] if info.title else []
        if not self.has_key and info.key is not None:
            parts.append(key_text(info.key))
        if not self.has_length:
            parts.append(length_text(info.length_s))
        if not self.wide:
            parts += [style_title(info), *(f"#{tag}" for tag in info.tags)]
        elif not info.title:
            parts.append(f"{info.n_notes} notes")
        if info.state in ("recording", "recovered"):
            parts.append({"recording": "being recorded"}.get(info.state, info.state))
        return " · ".join(parts)
