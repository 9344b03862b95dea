"""The settings panel at the right of the waterfall: all that the bar has no room for, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from jam.settings.line import Line
from ui.settings.fields import Fields, LevelMeter, Slider, Source, caption_of

_WIDTH_PX = 356


class WheelGuard(QObject):
    """Lets the wheel scroll the page instead of changing what happens to lie under it."""

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is None or a1.type() != QEvent.Type.Wheel or not isinstance(a0, QWidget):
            return False
        if a0.hasFocus():
            return False
        a1.ignore()
        return True


class Section(QWidget):
    """One tab: rows of a caption and a control, with headings and hints between them."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = WheelGuard(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        self.form = QFormLayout()
        column.addLayout(self.form)
        column.addStretch(1)  # takes what the rows don't need
        self.form.setHorizontalSpacing(14)
        self.form.setVerticalSpacing(9)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def heading(self, text: str) -> None:
        label = QLabel(text)
        label.setObjectName("heading")
        if self.form.rowCount():
            label.setContentsMargins(0, 8, 0, 0)
        self.form.addRow(label)

    def hint(self, text: str) -> QLabel:
        """A sentence or two in small print."""
        label = QLabel(text)
        label.setObjectName("hint")
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        self.form.addRow(label)
        return label

    def put(self, widget: QWidget, caption: str = "") -> None:
        """A control with its caption; a switch carries its own."""
        widget.installEventFilter(self._guard)
        if isinstance(widget, QCheckBox):
            self.form.addRow(widget)
        elif isinstance(widget, Slider | LevelMeter):
            row = QWidget()
            row.setObjectName("row")
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(10)
            line.addWidget(widget, 1)
            line.addWidget(widget.value_label)
            row.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            self.form.addRow(self._caption(widget, caption), row)
        else:
            self.form.addRow(self._caption(widget, caption), widget)

    @staticmethod
    def _caption(widget: QWidget, caption: str) -> QLabel:
        label = caption_of(widget, caption or widget.accessibleName())
        # A form layout puts captions at the top of their rows.
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        return label


class SettingsSection(Section):
    """A tab made from the lines of a table that have their place on it."""

    def __init__(
        self,
        tab: str,
        source: Source,
        lines: Mapping[str, Line],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.fields = Fields(source, lines)
        self.fields.done = done
        self._lines = [line for line in lines.values() if line.tab == tab]

    def control(self, line: Line) -> QWidget:
        """The control of a setting; those of their own are made by who has them."""
        return self.fields.make(line.name)

    def put_all(self) -> None:
        """Every setting of the tab, under its heading."""
        for heading in dict.fromkeys(line.heading for line in self._lines):
            self.heading(heading)
            self.put_lines(heading)

    def put_lines(self, heading: str) -> None:
        """The settings under a heading that is there already."""
        for line in self._lines:
            if line.heading == heading:
                self.put(self.control(line), line.caption or line.label)


class _Area(QScrollArea):
    """What a tab shows of its section."""

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        # Qt lays a section that is shown for the first time out for the size of its hint.
        section = self.widget()
        if section is not None and (layout := section.layout()) is not None:
            layout.setGeometry(section.rect())


class Panel(QFrame):
    """Tabs of sections; it can be hidden, and changes nothing itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Settings")
        self.tabs.setDocumentMode(True)
        if (bar := self.tabs.tabBar()) is not None:
            bar.setAccessibleName("Settings")
            bar.setExpanding(False)
            bar.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            bar.setToolTip("Groups of settings.")
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)  # the line at its left
        column.addWidget(self.tabs)
        self.fit(1.0)

    def fit(self, text_scale: float) -> None:
        """As wide as its text needs."""
        self.setFixedWidth(round(_WIDTH_PX * max(1.0, text_scale)))

    def add(self, title: str, section: QWidget) -> None:
        """A tab more."""
        area = _Area()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(section)
        self.tabs.addTab(area, title)
