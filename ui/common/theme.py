"""Colours and style sheet. Orange and blue of Okabe & Ito's palette, safe for the colour-blind.

Who plays is told by hue and lightness, what is committed by filling, so neither depends on
telling red from green. tests/ui/test_theme.py measures it for three kinds of colour blindness.
"""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PyQt6.QtWidgets import QApplication

from jam.messages.notes import HAND, SONG

SYSTEM = "system"
"""The choice that follows the system."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb. `agent_light` is what sounds, and text on what may still change."""

    name: str = "dark"
    window: str = "#14171c"
    bar: str = "#1b1f26"
    field: str = "#262b34"
    field_hover: str = "#2f3641"
    outline: str = "#3a424f"
    text: str = "#e8ebf0"
    text_dim: str = "#a3adbb"
    focus: str = "#f2f4f7"
    focus_px: int = 1
    fall: str = "#0f1216"
    fall_black: str = "#0b0d10"
    octave_line: str = "#1d222a"
    beat_line: str = "#232a33"
    group_line: str = "#323b47"
    bar_line: str = "#566273"
    player: str = "#f0a020"
    player_light: str = "#ffd28a"
    agent: str = "#4aa8e8"
    agent_light: str = "#b5deff"
    agent_bass: str = "#2b7cc0"
    solo: str = "#35c294"
    """The agent's own melodies: the bluish green of the same palette."""
    solo_light: str = "#a5f0d6"
    agent_block: str = "#1f5f93"
    on_block: str = "#ffffff"
    song: str = "#dc8fbf"
    song_light: str = "#f6cfe6"
    song_block: str = "#7c3d66"
    hand_block: str = "#7d5008"
    white_key: str = "#e6e8ec"
    black_key: str = "#1a1d22"
    black_key_top: str = "#343a44"
    on_black_key: str = "#e8ebf0"
    key_edge: str = "#8b929c"
    letter: str = "#5d6672"
    on_lit: str = "#10141a"
    """Letters on a key that sounds."""
    warning: str = "#f2d06b"
    warning_bar: str = "#3a3217"
    go: str = "#2f6f4f"
    go_hover: str = "#38845e"
    on_go: str = "#ffffff"
    record: str = "#ff8078"
    well: str = "#5fca8c"
    """All is well."""


DARK = Theme()
LIGHT = Theme(
    name="light",
    window="#f3f4f6",
    bar="#e6e9ed",
    field="#ffffff",
    field_hover="#f0f4f9",
    outline="#98a2b0",
    text="#15181d",
    text_dim="#48515d",
    focus="#0a3f73",
    focus_px=2,
    fall="#fbfcfd",
    fall_black="#eff1f4",
    octave_line="#dfe3e8",
    beat_line="#e3e6ea",
    group_line="#c9ced6",
    bar_line="#8d97a5",
    player="#c85a00",
    player_light="#7a3600",
    agent="#1a7fc8",
    agent_light="#04406f",
    agent_bass="#0c5795",
    solo="#007a59",
    solo_light="#00452f",
    agent_block="#a9d3f2",
    on_block="#0b1a28",
    song="#a8387d",
    song_light="#6d1550",
    song_block="#f0c2dd",
    hand_block="#f6cd92",
    white_key="#ffffff",
    black_key="#22262d",
    black_key_top="#454c58",
    key_edge="#6f7885",
    letter="#59626e",
    on_lit="#ffffff",
    warning="#5c4300",
    warning_bar="#ffecb0",
    go="#1f6b45",
    go_hover="#185538",
    record="#b3261e",
    well="#1f6b45",
)
CONTRAST = Theme(
    name="high-contrast",
    window="#000000",
    bar="#000000",
    field="#000000",
    field_hover="#26262b",
    outline="#a8a8a8",
    text="#ffffff",
    text_dim="#f0f0f0",
    focus="#ffff3c",
    focus_px=2,
    fall="#000000",
    fall_black="#000000",
    octave_line="#505050",
    beat_line="#5a5a5a",
    group_line="#8c8c8c",
    bar_line="#ffffff",
    player="#ffae1a",
    player_light="#ffe3a8",
    agent="#5cc4ff",
    agent_light="#d8f1ff",
    agent_bass="#3d9bff",
    solo="#3dffc0",
    solo_light="#d5fff0",
    agent_block="#004a86",
    song="#ff9ad8",
    song_light="#ffd9f0",
    song_block="#7a0f58",
    hand_block="#6b4200",
    white_key="#ffffff",
    black_key="#000000",
    black_key_top="#303030",
    on_black_key="#ffffff",
    key_edge="#ffffff",
    letter="#000000",
    on_lit="#000000",
    warning="#ffff3c",
    warning_bar="#332b00",
    go="#005a32",
    go_hover="#006438",
    record="#ff8a80",
    well="#6fffb0",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}


def band_colours(theme: Theme, part: str) -> tuple[str, str]:
    """Of a note of the band, and while it sounds."""
    if part == "solo":
        return theme.solo, theme.solo_light
    return theme.agent_bass if part == "bass" else theme.agent, theme.agent_light


def source_colours(theme: Theme, source: str) -> tuple[str, str, str]:
    """Of a chord by who said it: its block, its line, its name while it may still change."""
    if source == SONG:
        return theme.song_block, theme.song, theme.song_light
    if source == HAND:
        return theme.hand_block, theme.player, theme.player_light
    return theme.agent_block, theme.agent, theme.agent_light


def theme_for(choice: str, system_dark: bool = True, system_contrast: bool = False) -> Theme:
    """The theme of a choice: its name, or SYSTEM (as which an unknown name counts, too)."""
    if choice in THEMES:
        return THEMES[choice]
    if system_contrast:
        return CONTRAST
    return DARK if system_dark else LIGHT


def system_theme(choice: str) -> Theme:
    """The theme of a choice on this system, as it is now. Where it has no opinion: dark."""
    hints = QGuiApplication.styleHints()
    if hints is None:
        return theme_for(choice)
    contrast = False
    if (accessibility := getattr(hints, "accessibility", None)) is not None:  # since Qt 6.10
        preference = accessibility().contrastPreference()
        contrast = preference == Qt.ContrastPreference.HighContrast
    return theme_for(choice, hints.colorScheme() != Qt.ColorScheme.Light, contrast)


def dress(app: QApplication, theme: Theme, text_scale: float = 1.0) -> None:
    """Give the application its colours and the size of its text."""
    if app.property("theme") != theme.name:
        app.setProperty("theme", theme.name)
        app.setPalette(palette(theme))
    sheet = style_sheet(theme, text_scale)
    if app.styleSheet() != sheet:  # every widget is styled anew
        app.setStyleSheet(sheet)


def palette(theme: Theme) -> QPalette:
    """What the style sheet leaves to the style: ticks, frames of lists, dialogs."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.field,
        role.AlternateBase: theme.field_hover,
        role.Text: theme.text,
        role.Button: theme.field,
        role.ButtonText: theme.text,
        role.ToolTipBase: theme.field,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.text_dim,
        role.Highlight: theme.agent_block,
        role.HighlightedText: theme.on_block,
        role.Light: theme.outline,
        role.Midlight: theme.outline,
        role.Mid: theme.outline,
        role.Dark: theme.bar,
        role.Shadow: theme.fall,
        role.Link: theme.agent,
        role.Accent: theme.agent,
    }
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, which, QColor(theme.outline))
    return made


def style_sheet(theme: Theme, text_scale: float = 1.0) -> str:
    """The Qt style sheet of everything but the waterfall, which paints itself."""
    t = theme
    normal, small, large, tiny = (round(px * text_scale) for px in (13, 12, 15, 10))
    field = round(20 * text_scale)
    focus = f"{t.focus_px}px solid {t.focus}"
    return f"""
QWidget {{ background: {t.window}; color: {t.text}; font-size: {normal}px; }}
QToolTip {{ background: {t.field}; color: {t.text}; border: 1px solid {t.outline};
    padding: 4px; }}
QLabel, QCheckBox, QRadioButton, QSlider {{ background: transparent; }}
QLabel#caption, QLabel#value, QLabel#hint {{ color: {t.text_dim}; font-size: {small}px; }}
QLabel#end {{ color: {t.text_dim}; font-size: {tiny}px; }}
QLabel#heading {{ font-weight: 600; }}
#captioned, #row {{ background: transparent; }}
QCheckBox::indicator {{ width: {normal}px; height: {normal}px; border-radius: 3px;
    border: 1px solid {t.text_dim}; background: {t.field}; }}
QCheckBox::indicator:checked {{ background: {t.agent_block}; border-color: {t.agent}; }}
QCheckBox {{ spacing: 6px; border: {t.focus_px}px solid transparent; border-radius: 4px; }}
QCheckBox:focus {{ border: {focus}; }}
QSpinBox, QDoubleSpinBox, QComboBox, QLineEdit, QTextEdit, QPlainTextEdit {{
    background: {t.field}; border: 1px solid {t.outline}; border-radius: 5px;
    padding: 3px 6px; selection-background-color: {t.agent_block};
    selection-color: {t.on_block}; }}
QSpinBox, QDoubleSpinBox, QComboBox, QLineEdit, QSlider {{
    min-height: {field}px; max-height: {field}px; }}
QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover {{ background: {t.field_hover}; }}
QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QLineEdit:focus, QTextEdit:focus,
QPlainTextEdit:focus, QPushButton:focus, QListView:focus, QTreeView:focus, QTableView:focus {{
    border: {focus}; }}
QComboBox::drop-down {{ border: none; width: 16px; }}
QComboBox::down-arrow {{ image: none; width: 0; height: 0; }}
QAbstractItemView {{ background: {t.field}; border: 1px solid {t.outline}; outline: 0;
    selection-background-color: {t.agent_block}; selection-color: {t.on_block}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button,
QDoubleSpinBox::down-button {{ subcontrol-origin: border; width: 18px; border: none;
    background: transparent; }}
QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-position: top right; }}
QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-position: bottom right; }}
QSpinBox::up-button:hover, QSpinBox::down-button:hover, QDoubleSpinBox::up-button:hover,
QDoubleSpinBox::down-button:hover {{ background: {t.outline}; }}
QSpinBox::up-arrow, QSpinBox::down-arrow, QDoubleSpinBox::up-arrow,
QDoubleSpinBox::down-arrow {{ image: none; width: 0; height: 0; }}
QPushButton {{ background: {t.field}; border: 1px solid {t.outline}; border-radius: 6px;
    padding: 4px 12px; font-weight: 600; }}
QToolButton#keep, QToolButton#role, QToolButton#cues {{ background: {t.field};
    border: 1px solid {t.outline}; border-radius: 6px; padding: 3px 22px 3px 10px;
    font-weight: 500; }}
QToolButton#keep:hover, QToolButton#role:hover, QToolButton#cues:hover {{
    background: {t.field_hover}; }}
QToolButton#keep:focus, QToolButton#role:focus, QToolButton#cues:focus {{ border: {focus}; }}
QToolButton#role::menu-indicator {{ subcontrol-position: right center; right: 6px; }}
QToolButton#keep::menu-button, QToolButton#cues::menu-button {{ border: none;
    border-left: 1px solid {t.outline}; width: 18px; }}
QPushButton:hover {{ background: {t.field_hover}; }}
QPushButton:checked {{ background: {t.agent_block}; color: {t.on_block};
    border-color: {t.agent}; }}
QPushButton:checked:focus {{ border: {focus}; }}
QPushButton:disabled {{ color: {t.outline}; }}
QPushButton:checked:disabled {{ background: {t.field}; border-color: {t.outline}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QPushButton::menu-indicator {{ width: 0; }}
QMenu {{ background: {t.field}; border: 1px solid {t.outline}; padding: 4px; }}
QMenu::item {{ background: transparent; padding: 5px 22px 5px 12px; border-radius: 4px; }}
QLineEdit#bar {{ background: {t.field}; color: {t.text}; border: 2px solid {t.focus};
    font-size: {round(1.5 * normal)}px; font-weight: bold; padding: 2px 6px;
    min-height: 0; max-height: 999px; }}
QLabel#bar_error {{ background: {t.warning_bar}; color: {t.warning}; padding: 4px 8px; }}
QMenu::item:selected {{ background: {t.agent_block}; color: {t.on_block}; }}
QMenu::item:disabled {{ color: {t.text_dim}; }}
QMenu::separator {{ height: 1px; background: {t.outline}; margin: 4px 6px; }}
QSlider {{ border: {t.focus_px}px solid transparent; border-radius: 5px; }}
QSlider:focus {{ border: {focus}; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.outline}; }}
QSlider::sub-page:horizontal {{ border-radius: 2px; background: {t.text_dim}; }}
QSlider#player_volume::sub-page:horizontal {{ background: {t.player}; }}
QSlider#agent_volume::sub-page:horizontal {{ background: {t.agent}; }}
QSlider::handle:horizontal {{ width: 12px; margin: -5px 0; border-radius: 6px;
    background: {t.text}; }}
QSlider::handle:horizontal:hover {{ background: {t.focus}; }}
QScrollBar {{ background: {t.window}; border: none; width: 12px; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {t.outline}; border-radius: 4px; margin: 2px;
    min-height: 24px; min-width: 24px; }}
QScrollBar::handle:hover {{ background: {t.text_dim}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {t.outline}; }}
QTabBar {{ background: transparent; qproperty-drawBase: 0; }}
QTabBar::tab {{ background: transparent; color: {t.text_dim}; padding: 7px 11px;
    border: none; border-bottom: 2px solid transparent; font-weight: 600; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.agent}; }}
QTabBar::tab:focus {{ border: {focus}; border-radius: 4px; }}
#header {{ background: {t.bar}; }}
#header QPushButton {{ padding: 3px 10px; font-weight: 500; }}
#header QPushButton#tab {{ background: transparent; color: {t.text_dim}; border: none;
    border-bottom: 2px solid transparent; padding: 4px 12px; font-weight: 600; }}
#header QPushButton#tab:hover {{ color: {t.text}; }}
#header QPushButton#tab:checked {{ color: {t.text}; border-bottom: 2px solid {t.agent}; }}
#header QPushButton#tab:focus {{ color: {t.text}; border: {focus}; border-radius: 4px; }}
#controls {{ background: {t.bar}; border-bottom: 1px solid {t.outline}; }}
#separator {{ background: {t.outline}; }}
#controls QCheckBox {{ color: {t.text_dim}; font-size: {small}px; }}
#controls QCheckBox:disabled, QCheckBox:disabled {{ color: {t.outline}; }}
QCheckBox::indicator:disabled {{ border-color: {t.outline}; background: transparent; }}
QPushButton#start {{ background: {t.go}; color: {t.on_go}; border-color: {t.go};
    font-size: {large}px; }}
QPushButton#tap, QPushButton#panic {{ background: transparent; font-weight: 500; }}
QPushButton#tap:hover, QPushButton#panic:hover {{ background: {t.field_hover}; }}
QPushButton#start:hover {{ background: {t.go_hover}; }}
QPushButton#start[running="true"] {{ background: {t.field_hover}; color: {t.text};
    border-color: {t.outline}; }}
QPushButton#start:focus {{ border: {focus}; }}
QPushButton#record[state="recording"] {{ color: {t.record}; }}
QPushButton#record[state="trouble"] {{ color: {t.warning}; border-color: {t.warning}; }}
QPushButton#record[state="ready"] {{ color: {t.text_dim}; }}
QPushButton#demo {{ padding: 7px 18px; }}
QHeaderView {{ background: {t.window}; border: none; }}
QHeaderView::section {{ background: {t.window}; color: {t.text_dim}; border: none;
    border-bottom: 1px solid {t.outline}; padding: 3px 6px; font-size: {small}px; }}
QTableView {{ background: {t.window}; border: 1px solid transparent; }}
QTableView::item {{ border: none; padding: 0 6px; color: {t.text}; }}
QTableView::item:selected {{ background: {t.agent_block}; color: {t.on_block}; }}
QTableView::item:hover:!selected {{ background: {t.field_hover}; }}
QTreeView::item {{ padding: 2px 0; }}
QSplitter::handle {{ background: {t.bar}; }}
QSplitter::handle:hover {{ background: {t.outline}; }}
#details, #transport {{ background: {t.bar}; }}
#details {{ border-bottom: 1px solid {t.outline}; }}
#transport QPushButton {{ padding: 3px 9px; font-weight: 500; }}
#transport QPushButton#play {{ min-width: 34px; font-size: {large}px; }}
QLineEdit#session_title {{ background: transparent; border: 1px solid transparent;
    font-size: {large}px; font-weight: 600; padding: 1px 4px; }}
QLineEdit#session_tags {{ background: transparent; border: 1px solid transparent;
    padding: 1px 4px; }}
QLineEdit#session_title:hover, QLineEdit#session_tags:hover {{ border: 1px solid {t.outline}; }}
QLineEdit#session_title:focus, QLineEdit#session_tags:focus {{ background: {t.field};
    border: {focus}; }}
QPushButton#star {{ background: transparent; border: 1px solid transparent; padding: 0 2px;
    font-size: {large}px; color: {t.player}; }}
QPushButton#star:hover {{ color: {t.player_light}; }}
QLabel#handle {{ color: {t.text_dim}; border: 1px dashed {t.outline}; border-radius: 6px;
    padding: 4px 8px; }}
QLabel#trouble {{ color: {t.warning}; }}
#news {{ background: {t.field}; border-top: 1px solid {t.outline};
    border-bottom: 1px solid {t.outline}; }}
#news[alert="true"] {{ background: {t.warning_bar}; }}
#news[alert="true"] QLabel {{ color: {t.warning}; }}
#news QPushButton {{ padding: 2px 10px; }}
QProgressBar {{ background: {t.window}; border: 1px solid {t.outline}; border-radius: 4px;
    max-height: 8px; }}
QProgressBar::chunk {{ background: {t.agent}; border-radius: 3px; }}
QProgressBar[alert="true"]::chunk {{ background: {t.warning}; }}
QLabel#value[alert="true"] {{ color: {t.warning}; font-weight: 600; }}
#help {{ border: 1px solid {t.outline}; border-radius: 8px; }}
QLabel#title {{ font-size: {large}px; font-weight: 600; }}
QLabel#key {{ color: {t.agent_light}; font-weight: 600; }}
#panel {{ border-left: 1px solid {t.outline}; }}
#notices {{ background: transparent; }}
#notice {{ background: {t.warning_bar}; border: 1px solid {t.warning}; border-radius: 8px; }}
#notice QLabel {{ color: {t.warning}; }}
#notice QPushButton {{ background: transparent; color: {t.warning}; border: none;
    padding: 2px 8px; font-size: {large}px; }}
#notice QPushButton#offer {{ border: 1px solid {t.warning}; border-radius: 4px;
    font-size: {normal}px; font-weight: normal; }}
#notice[kind="news"] {{ background: {t.field}; border-color: {t.outline}; }}
#notice[kind="news"] QLabel, #notice[kind="news"] QPushButton {{ color: {t.text}; }}
#notice[kind="news"] QPushButton#offer {{ border-color: {t.text_dim}; font-weight: 600; }}
#notice QPushButton:focus {{ border: {focus}; border-radius: 4px; }}
#status {{ background: {t.bar}; border-top: 1px solid {t.outline}; }}
#status QLabel {{ color: {t.text_dim}; font-size: {small}px; }}
#status QLabel[alert="true"] {{ color: {t.warning}; }}
#status QPushButton#health {{ background: transparent; border: none; color: {t.well};
    padding: 0 6px; font-size: {small}px; }}
#status QPushButton#health[level="warning"] {{ color: {t.warning}; }}
#status QPushButton#health[level="fault"] {{ color: {t.record}; }}
#status QPushButton#health:focus {{ border: {focus}; border-radius: 4px; }}
"""


def app_icon() -> QIcon:
    """Needs a QApplication."""
    icon = QIcon()
    for size in (32, 64, 128, 256):
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / 16, size / 16)
        painter.setPen(Qt.PenStyle.NoPen)
        shapes = [
            (QRectF(0, 0, 16, 16), DARK.window, 3.0),
            (QRectF(2, 11, 3.6, 3.5), DARK.white_key, 0.6),
            (QRectF(6.2, 11, 3.6, 3.5), DARK.player, 0.6),
            (QRectF(10.4, 11, 3.6, 3.5), DARK.white_key, 0.6),
            (QRectF(2, 5.5, 3.6, 4.5), DARK.agent, 0.8),
            (QRectF(10.4, 2, 3.6, 5), DARK.agent, 0.8),
        ]
        for rect, colour, radius in shapes:
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(rect, radius, radius)
        painter.end()
        icon.addPixmap(picture)
    return icon
