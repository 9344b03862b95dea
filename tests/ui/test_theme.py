"""The colours, as numbers: contrast, and what is left of it for the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from jam.preferences import THEMES as CHOICES
from ui.common.theme import CONTRAST, DARK, LIGHT, THEMES, Theme, style_sheet, theme_for

Colour = NDArray[np.float64]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
BLINDNESS: dict[str, Colour] = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ @ np.ones(3)


def linear(name: str) -> Colour:
    """#rrggbb as linear RGB, 0 to 1."""
    coded = np.array([int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def seen(name: str, blindness: str) -> Colour:
    """What someone sees of a colour, as linear RGB."""
    return np.clip(BLINDNESS[blindness] @ linear(name), 0, 1)


def lab(colour: Colour) -> Colour:
    """CIE L*a*b* of linear RGB."""
    ratio = (_TO_XYZ @ colour) / _WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, two: str, blindness: str) -> float:
    """CIE 1976 difference of two colours; about 2 can just be told apart side by side."""
    return float(np.linalg.norm(lab(seen(one, blindness)) - lab(seen(two, blindness))))


def contrast(one: str, two: str, blindness: str = "none") -> float:
    """Contrast ratio of WCAG 2: 1 to 21."""
    low, high = sorted(
        float(np.array([0.2126, 0.7152, 0.0722]) @ seen(name, blindness)) for name in (one, two)
    )
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    # Red and green of one lightness are what it is all about.
    assert difference("#c04000", "#4a7a00", "deuteranopia") < 0.35 * difference(
        "#c04000", "#4a7a00", "none"
    )


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("name", THEMES)
def test_player_agent_and_ground_are_told_apart(name: str, blindness: str) -> None:
    """Every pair of them by at least 40 (a difference of 2 is just seen), and both of them stand
    out from the ground by 3 to 1, as WCAG asks of graphics.
    """
    theme = THEMES[name]
    for one, two in combinations((theme.player, theme.agent, theme.fall), 2):
        assert difference(one, two, blindness) > 40, (one, two)
    for colour in (theme.player, theme.agent):
        for ground in (theme.fall, theme.fall_black):
            assert contrast(colour, ground, blindness) > 3, (colour, ground)


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("name", THEMES)
def test_the_agent_s_shades_are_told_apart(name: str, blindness: str) -> None:
    theme = THEMES[name]
    assert difference(theme.agent, theme.agent_bass, blindness) > 12
    assert difference(theme.agent, theme.agent_light, blindness) > 20
    for colour in (theme.agent_bass, theme.agent_light):
        assert difference(theme.player, colour, blindness) > 40
        assert contrast(colour, theme.fall, blindness) > 3


@pytest.mark.parametrize("name", THEMES)
def test_lit_keys_stand_out_from_keys_at_rest(name: str) -> None:
    theme = THEMES[name]
    for colour in (theme.player, theme.agent):
        for key in (theme.white_key, theme.black_key_top):
            assert difference(colour, key, "none") > 35


def text_pairs(theme: Theme) -> list[tuple[str, str]]:
    return [
        (theme.text, theme.window),
        (theme.text, theme.bar),
        (theme.text, theme.field),
        (theme.text, theme.field_hover),
        (theme.text_dim, theme.window),
        (theme.text_dim, theme.bar),
        (theme.text, theme.fall),
        (theme.text_dim, theme.fall),
        (theme.on_block, theme.agent_block),
        (theme.agent_light, theme.window),
        (theme.on_go, theme.go),
        (theme.on_go, theme.go_hover),
        (theme.warning, theme.warning_bar),
        (theme.warning, theme.bar),
        (theme.well, theme.bar),
        (theme.record, theme.bar),
        (theme.letter, theme.white_key),
        (theme.on_black_key, theme.black_key_top),
        (theme.on_lit, theme.player),
        (theme.on_lit, theme.agent),
        (theme.text, theme.agent_block) if theme is DARK else (theme.text, theme.window),
    ]


@pytest.mark.parametrize("name", THEMES)
def test_text_can_be_read(name: str) -> None:
    """4.5 to 1 as WCAG asks (7 to 1 in high contrast; letters on lit keys are large and bold)."""
    theme = THEMES[name]
    for text, ground in text_pairs(theme):
        large = text == theme.on_lit and ground in (theme.player, theme.agent)
        least = 3.0 if large else 7.0 if theme is CONTRAST else 4.5
        assert contrast(text, ground) >= least, (text, ground)


@pytest.mark.parametrize("name", THEMES)
def test_the_focus_is_seen(name: str) -> None:
    theme = THEMES[name]
    for ground in (theme.window, theme.bar, theme.field):
        assert contrast(theme.focus, ground) > 4.5
    assert contrast(theme.focus, theme.outline) > 1.5
    assert f"{theme.focus_px}px solid {theme.focus}" in style_sheet(theme)


def test_the_choice_follows_the_system_or_not() -> None:
    assert theme_for("system", system_dark=True) is DARK
    assert theme_for("system", system_dark=False) is LIGHT
    assert theme_for("system", system_dark=False, system_contrast=True) is CONTRAST
    for choice in list(CHOICES)[1:]:
        assert theme_for(choice, system_dark=False).name == choice
    assert theme_for("no such theme") is DARK


def test_text_scales() -> None:
    assert "font-size: 13px" in style_sheet(DARK)
    assert "font-size: 26px" in style_sheet(DARK, 2.0)
    assert "font-size: 13px" not in style_sheet(DARK, 2.0)
