"""Colours and style sheet. Orange and blue of Okabe & Ito's palette, safe for the colour-blind.

Who plays is told by hue and lightness, what is committed by filling, so neither depends on
telling red from green.
"""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtGui import QColor, QPalette


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #rrggbb."""

    window: str = "#14171c"
    bar: str = "#1b1f26"
    field: str = "#262b34"
    field_hover: str = "#2f3641"
    outline: str = "#3a424f"
    text: str = "#e8ebf0"
    text_dim: str = "#a3adbb"
    focus: str = "#f2f4f7"
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
    agent_block: str = "#1f5f93"
    white_key: str = "#e6e8ec"
    black_key: str = "#1a1d22"
    black_key_top: str = "#343a44"
    key_edge: str = "#8b929c"
    letter: str = "#5d6672"
    warning: str = "#f2d06b"
    warning_bar: str = "#3a3217"
    go: str = "#2f6f4f"


DARK = Theme()


def palette(theme: Theme) -> QPalette:
    """What the style sheet leaves to the style: frames of lists, tool tips, dialogs."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window, role.WindowText: theme.text, role.Base: theme.field,
        role.AlternateBase: theme.field_hover, role.Text: theme.text, role.Button: theme.field,
        role.ButtonText: theme.text, role.ToolTipBase: theme.field, role.ToolTipText: theme.text,
        role.PlaceholderText: theme.text_dim, role.Highlight: theme.agent_block,
        role.HighlightedText: theme.text, role.Light: theme.outline, role.Midlight: theme.outline,
        role.Mid: theme.outline, role.Dark: theme.bar, role.Shadow: theme.fall,
    }  # fmt: skip
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    return made


def style_sheet(theme: Theme) -> str:
    """The Qt style sheet of everything but the waterfall, which paints itself."""
    t = theme
    return f"""
QWidget {{ background: {t.window}; color: {t.text}; font-size: 13px; }}
QToolTip {{ background: {t.field}; color: {t.text}; border: 1px solid {t.outline};
    padding: 4px; }}
#header {{ background: {t.bar}; }}
#header QPushButton#tab {{ background: transparent; color: {t.text_dim}; border: none;
    border-bottom: 2px solid transparent; padding: 4px 12px; font-weight: 600; }}
#header QPushButton#tab:hover {{ color: {t.text}; }}
#header QPushButton#tab:checked {{ color: {t.text}; border-bottom: 2px solid {t.agent}; }}
#header QPushButton#tab:focus {{ color: {t.focus}; border: 1px solid {t.focus};
    border-radius: 4px; }}
#controls {{ background: {t.bar}; border-bottom: 1px solid {t.outline}; }}
#controls QLabel, #controls QCheckBox, #controls QSlider {{ background: transparent; }}
#controls QLabel, #controls QCheckBox {{ color: {t.text_dim}; font-size: 12px; }}
#controls QCheckBox {{ spacing: 5px; }}
#controls QCheckBox::indicator {{ width: 12px; height: 12px; border-radius: 3px;
    border: 1px solid {t.text_dim}; background: {t.field}; }}
#controls QCheckBox::indicator:checked {{ background: {t.agent}; border-color: {t.agent}; }}
#controls QCheckBox:focus {{ color: {t.focus}; border: 1px solid {t.focus};
    border-radius: 4px; }}
#controls QSpinBox, #controls QDoubleSpinBox, #controls QComboBox {{
    background: {t.field}; border: 1px solid {t.outline}; border-radius: 5px;
    padding: 2px 6px; selection-background-color: {t.agent_block}; }}
#controls QSpinBox:hover, #controls QDoubleSpinBox:hover, #controls QComboBox:hover {{
    background: {t.field_hover}; }}
#controls QSpinBox:focus, #controls QDoubleSpinBox:focus, #controls QComboBox:focus,
#controls QPushButton:focus {{ border: 1px solid {t.focus}; }}
#controls QComboBox::drop-down {{ border: none; width: 16px; }}
#controls QComboBox::down-arrow {{ image: none; width: 0; height: 0; }}
#controls QComboBox QAbstractItemView {{ background: {t.field}; color: {t.text};
    border: 1px solid {t.outline}; selection-background-color: {t.agent_block}; outline: 0; }}
#controls QSpinBox::up-button, #controls QSpinBox::down-button,
#controls QDoubleSpinBox::up-button, #controls QDoubleSpinBox::down-button {{
    width: 0; border: none; }}
#controls QPushButton {{ background: {t.field}; border: 1px solid {t.outline};
    border-radius: 6px; padding: 4px 12px; font-weight: 600; }}
#controls QPushButton:hover {{ background: {t.field_hover}; }}
#controls QPushButton#start {{ background: {t.go}; border-color: {t.go}; font-size: 15px; }}
#controls QPushButton#start:hover {{ background: #38845e; }}
#controls QPushButton#start[running="true"] {{ background: {t.field_hover};
    border-color: {t.outline}; }}
#controls QPushButton#start:focus {{ border: 1px solid {t.focus}; }}
#controls QSlider::groove:horizontal {{ height: 4px; border-radius: 2px;
    background: {t.outline}; }}
#controls QSlider::sub-page:horizontal {{ border-radius: 2px; background: {t.text_dim}; }}
#controls QSlider#player_volume::sub-page:horizontal {{ background: {t.player}; }}
#controls QSlider#agent_volume::sub-page:horizontal {{ background: {t.agent}; }}
#controls QSlider::handle:horizontal {{ width: 12px; margin: -5px 0; border-radius: 6px;
    background: {t.text}; }}
#controls QSlider::handle:horizontal:hover {{ background: {t.focus}; }}
#controls QSlider:focus {{ border: 1px solid {t.focus}; border-radius: 5px; }}
#notice {{ background: {t.warning_bar}; color: {t.warning}; }}
#notice QLabel {{ background: transparent; color: {t.warning}; }}
#notice QPushButton {{ background: transparent; color: {t.warning}; border: none;
    padding: 2px 8px; font-size: 14px; }}
#notice QPushButton:focus {{ border: 1px solid {t.warning}; border-radius: 4px; }}
#status {{ background: {t.bar}; border-top: 1px solid {t.outline}; }}
#status QLabel {{ background: transparent; color: {t.text_dim}; font-size: 12px; }}
#status QLabel[alert="true"] {{ color: {t.warning}; }}
"""
