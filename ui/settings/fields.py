"""Controls that are bound to a setting: each shows it, and asks the model for another value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from PyQt6.QtCore import QLocale, QPointF, QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QValidator
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QVBoxLayout,
    QWidget,
)

from jam.settings.line import Line
from ui.common.flow import SizedLabel

TOO_LOUD = "Too loud"


class Source(Protocol):
    """What controls are bound to: the model with the music's settings, the look of the window."""

    @property
    def settings(self) -> Any: ...

    @property
    def shown(self) -> Any:
        """Signal with the settings that the controls have to show."""
        ...

    @property
    def told(self) -> Any:
        """Signal with a few words for the user."""
        ...

    def change(self, words: str = "", /, **values: Any) -> None:
        """The user wants other values."""
        ...


def _paint_steppers(spin: QAbstractSpinBox) -> None:
    """The arrows of a number's two buttons."""
    painter = QPainter(spin)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    enabled = spin.stepEnabled()
    text, dim = QPalette.ColorRole.Text, QPalette.ColorRole.PlaceholderText
    x, middle = spin.width() - 10.0, spin.height() / 2
    for up, flag in (
        (-1, QAbstractSpinBox.StepEnabledFlag.StepUpEnabled),
        (1, QAbstractSpinBox.StepEnabledFlag.StepDownEnabled),
    ):
        painter.setPen(QPen(spin.palette().color(text if enabled & flag else dim), 1.5))
        y = middle + up * spin.height() * 0.2
        arrow = [QPointF(x - 3.5, y - up * 1.8), QPointF(x, y + up * 1.8)]
        painter.drawPolyline(QPolygonF([*arrow, QPointF(x + 3.5, y - up * 1.8)]))
    painter.end()


class NumberSpin(QDoubleSpinBox):
    """A number without decimals that say nothing; the wheel turns it where it is.

    Decimals follow a point or a comma, whatever the system's language.
    """

    refused = pyqtSignal(str)
    """Why what was typed can't be."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def paintEvent(self, e: QPaintEvent | None) -> None:
        super().paintEvent(e)
        _paint_steppers(self)

    def textFromValue(self, v: float) -> str:
        return f"{v:g}"

    def validate(self, input: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        text = (input or "").replace(",", ".")
        return _lenient(self, super().validate(text, pos))

    def fixup(self, input: str | None) -> str:
        self.refused.emit(_refusal(self, input))
        return self.textFromValue(self.value())


def _number_in(spin: QAbstractSpinBox, text: str | None) -> str:
    """What was typed, without the unit."""
    return (text or "").removesuffix(spin.suffix()).strip()  # type: ignore[attr-defined]


def _lenient(
    spin: QAbstractSpinBox, found: tuple[QValidator.State, str, int]
) -> tuple[QValidator.State, str, int]:
    """A number out of range can be typed, to be refused in words: Qt would leave out a digit, and
    make 99 of 999.
    """
    state, text, pos = found
    if state == QValidator.State.Invalid:
        try:
            float(_number_in(spin, text))
        except ValueError:
            return found
        return QValidator.State.Intermediate, text, pos
    return found


def _refusal(spin: NumberSpin | CountSpin, text: str | None) -> str:
    low, high = (f"{limit:g}{spin.suffix()}" for limit in (spin.minimum(), spin.maximum()))
    return f"{spin.accessibleName()} {_number_in(spin, text)}: must be {low} to {high}"


class CountSpin(QSpinBox):
    """Whole beats or bars, with the unit in singular or plural."""

    refused = pyqtSignal(str)

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit
        self.valueChanged.connect(self._on_value)
        self._on_value(self.value())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        _paint_steppers(self)

    def _on_value(self, value: int) -> None:
        if self._unit:
            self.setSuffix(f" {self._unit}" + ("" if value == 1 else "s"))

    def setValue(self, val: int) -> None:
        super().setValue(val)
        self._on_value(val)

    def validate(self, input: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        return _lenient(self, super().validate(input or "", pos))

    def fixup(self, input: str | None) -> str:
        self.refused.emit(_refusal(self, input))
        return self.textFromValue(self.value()) + self.suffix()


class Slider(QSlider):
    """A slider from 0 to 1 in `steps`, with `words` for what it says; see `value_label`."""

    def __init__(self, low: float, high: float, step: float, words: Callable[[float], str]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._step, self._words = step, words
        self.setRange(round(low / step), round(high / step))
        self.setPageStep(max(1, (self.maximum() - self.minimum()) // 10))
        self.value_label = QLabel()
        self.value_label.setObjectName("value")
        self.value_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widest = max((words(low), words(high), words((low + high) / 2)), key=len)
        width = self.value_label.fontMetrics().horizontalAdvance(widest + "0")
        self.value_label.setMinimumWidth(width)
        self.valueChanged.connect(lambda _: self.value_label.setText(words(self.number())))

    def number(self) -> float:
        return round(self.value() * self._step, 4)

    def show_number(self, number: float) -> None:
        with QSignalBlocker(self):
            self.setValue(round(number / self._step))
        self.value_label.setText(self._words(self.number()))


class LevelMeter(QProgressBar):
    """How loud it is, in dB below full scale; see `value_label`. Too loud, it changes colour."""

    def __init__(self, lowest_db: int) -> None:
        super().__init__()
        self.setRange(lowest_db, 0)
        self.setTextVisible(False)
        self.setMinimumWidth(40)
        self.value_label = SizedLabel(TOO_LOUD)
        self.value_label.setObjectName("value")
        self.value_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setProperty("alert", False)

    def show_level(self, level_db: float | None, too_loud: bool) -> None:
        """None: nothing is heard at all."""
        level = self.minimum() if level_db is None else round(min(0.0, level_db))
        self.setEnabled(level_db is not None)
        self.setValue(max(self.minimum(), level))
        words = "" if level_db is None else f"{level} dB".replace("-", "−")
        self.value_label.setText(TOO_LOUD if too_loud else words)
        if self.property("alert") != too_loud:
            for widget in (self, self.value_label):
                widget.setProperty("alert", too_loud)
                if (style := widget.style()) is not None:
                    style.unpolish(widget)
                    style.polish(widget)


def percent(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def describe(widget: QWidget, name: str, caption: str, tip: str) -> None:
    """All that a control needs besides its function: names for people, tests and screen readers."""
    widget.setObjectName(name)
    widget.setToolTip(tip)
    widget.setAccessibleName(caption.replace("&", ""))
    widget.setAccessibleDescription(tip)
    if isinstance(widget, QAbstractSpinBox | QLineEdit):
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    else:
        # A click must not take the keyboard away from the piano; Tab and Alt still reach it.
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)


def captioned(widget: QWidget, caption: str | QWidget, beside: QWidget | None = None) -> QWidget:
    """The control below its caption (a widget can be one), as in the bar.

    beside: what stands at the right of the caption.
    """
    box = QWidget()
    box.setObjectName("captioned")
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    above = caption if isinstance(caption, QWidget) else caption_of(widget, caption)
    if beside is None:
        column.addWidget(above)
    else:
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(above)
        row.addStretch()
        row.addWidget(beside)
        column.addLayout(row)
    column.addStretch()
    column.addWidget(widget)
    return box


def caption_of(widget: QWidget, caption: str) -> QLabel:
    """The label that names a control and hands it the focus by Alt and the marked letter."""
    label = QLabel(caption)
    label.setObjectName("caption")
    label.setToolTip(widget.toolTip())
    label.setBuddy(widget)
    label.setContentsMargins(0, 0, 4, 0)  # its hint is a little too small for large text
    return label


def separator() -> QFrame:
    """A thin upright line."""
    line = QFrame()
    line.setObjectName("separator")
    line.setFixedWidth(1)
    return line


def described(widget: QWidget, line: Line) -> None:
    """Describe a control as its setting's line says."""
    describe(widget, line.name, line.plain_label, line.tip)


def set_range(spin: QSpinBox | QDoubleSpinBox, line: Line) -> None:
    """Take a setting's limits."""
    low, high = line.numbers
    if isinstance(spin, QSpinBox):
        spin.setRange(int(low), int(high))
    else:
        spin.setRange(low, high)


class Fields:
    """Makes the controls of one part of the window, each as the line of its setting says.

    `made`: setting -> control.
    """

    def __init__(self, model: Source, lines: Mapping[str, Line]) -> None:
        self.model, self.lines = model, lines
        self.made: dict[str, QWidget] = {}
        self.done: Callable[[], None] = lambda: None
        """Called when a value was typed in and confirmed: the keyboard may play again."""
        self._show: list[Callable[[Any], None]] = []
        model.shown.connect(self.show_settings)

    def show_settings(self, settings: Any) -> None:
        """Show these settings without announcing them as a change."""
        for show in self._show:
            show(settings)

    def caption(self, setting: str) -> str:
        """What stands beside the control, with its marked letter."""
        line = self.lines[setting]
        return line.caption or line.label

    def make(self, setting: str) -> QWidget:
        """The control of its kind: a switch, a list, a slider, or a number to type."""
        line = self.lines[setting]
        if line.kind is bool and not line.choices:
            return self.switch(setting)
        if line.choices:
            return self.choice(setting)
        if line.step:
            return self.slider(setting)
        return self.count(setting) if line.kind is int else self.number(setting)

    def add(self, setting: str, widget: QWidget, show: Callable[[Any], None]) -> None:
        """Take in a control that was made elsewhere; `show` writes settings into it."""
        described(widget, self.lines[setting])
        self.made[setting] = widget
        self._show.append(show)
        show(self.model.settings)

    def count(self, setting: str) -> CountSpin:
        """A whole number."""
        line = self.lines[setting]
        spin = CountSpin(line.unit.removesuffix("s"))
        set_range(spin, line)
        self.bind_spin(spin, setting)
        return spin

    def number(self, setting: str) -> NumberSpin:
        """A number that may have decimals."""
        line = self.lines[setting]
        spin = NumberSpin()
        set_range(spin, line)
        spin.setDecimals(1)
        if line.unit in ("ms", "dB"):
            spin.setSuffix(f" {line.unit}")
        self.bind_spin(spin, setting)
        return spin

    def bind_spin(self, spin: QSpinBox | QDoubleSpinBox, setting: str) -> None:
        spin.setKeyboardTracking(False)  # 120 is not 1, 12 and 120
        spin.valueChanged.connect(lambda value: self.model.change(**{setting: value}))
        if isinstance(spin, NumberSpin | CountSpin):
            spin.refused.connect(self.model.told)
        if (edit := spin.lineEdit()) is not None:
            edit.returnPressed.connect(lambda: self.done())

        def show(settings: Any) -> None:
            with QSignalBlocker(spin):
                spin.setValue(getattr(settings, setting))

        self.add(setting, spin, show)

    def slider(self, setting: str) -> Slider:
        """A slider over the setting's range."""
        line = self.lines[setting]
        words = percent if line.unit == "%" else lambda value: f"{value:.2f}"
        slider = Slider(*line.numbers, line.step, words)
        slider.valueChanged.connect(lambda _: self.model.change(**{setting: slider.number()}))
        self.add(setting, slider, lambda s: slider.show_number(getattr(s, setting)))
        return slider

    def switch(self, setting: str) -> Switch:
        """On or off; it carries its own caption."""
        box = Switch(self.caption(setting))
        box.toggled.connect(lambda on: self.model.change(**{setting: on}))

        def show(settings: Any) -> None:
            with QSignalBlocker(box):
                box.setChecked(getattr(settings, setting))

        self.add(setting, box, show)
        return box

    def choice(self, setting: str) -> Choice:
        """One of some values, each with its label."""
        combo = Choice([(choice.label, choice.value) for choice in self.lines[setting].choices])
        combo.chosen.connect(lambda value: self.model.change(**{setting: value}))
        self.add(setting, combo, lambda s: combo.show_value(getattr(s, setting)))
        return combo


class Combo(QComboBox):
    """A list to choose from. `is_open` while its list is."""

    @property
    def is_open(self) -> bool:
        # Esc hides the list without a call of hidePopup.
        view = self.view()
        return view is not None and view.isVisible()

    def paintEvent(self, e: QPaintEvent | None) -> None:
        super().paintEvent(e)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1.6))
        x, y = self.width() - 13.0, self.height() / 2
        arrow = [QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)]
        painter.drawPolyline(QPolygonF(arrow))
        painter.end()


class Choice(Combo):
    """One of some values; one that isn't on the list is put at its end when it is shown."""

    chosen = pyqtSignal(object)

    def __init__(self, options: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self.values: list[Any] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.set_options(options)
        self.activated.connect(lambda index: self.chosen.emit(self.values[index]))

    def set_options(self, options: Sequence[tuple[str, Any]]) -> None:
        """Another list; what was chosen stays chosen where it is on it."""
        with QSignalBlocker(self):
            self.clear()
            self.values = [value for _, value in options]
            for text, _ in options:
                self.addItem(text)
                self.setItemData(self.count() - 1, text, Qt.ItemDataRole.ToolTipRole)

    def show_value(self, value: Any) -> None:
        """Show this one as the chosen one."""
        with QSignalBlocker(self):
            if value not in self.values:
                self.values.append(value)
                self.addItem(str(value))
            self.setCurrentIndex(self.values.index(value))


class Switch(QCheckBox):
    """On or off."""

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        super().paintEvent(a0)
        style = self.style()
        if not self.isChecked() or style is None:
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        box = style.subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole
        ticked = role.HighlightedText if self.isEnabled() else role.PlaceholderText
        painter.setPen(QPen(self.palette().color(ticked), 1.8))
        x, y, size = box.x(), box.y(), box.width()
        tick = [(0.24, 0.52), (0.43, 0.72), (0.78, 0.28)]
        painter.drawPolyline(QPolygonF([QPointF(x + a * size, y + b * size) for a, b in tick]))
        painter.end()
