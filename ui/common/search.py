"""A field to search a list by words."""

from __future__ import annotations

from PyQt6.QtWidgets import QLineEdit


class SearchField(QLineEdit):
    """The list follows as one types; Esc shows all of it again."""

    def __init__(self, name: str, placeholder: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name.lower().replace(" ", "_"))
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setToolTip(tip)
        self.setClearButtonEnabled(True)

    def revert(self) -> None:
        self.clear()
