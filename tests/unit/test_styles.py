"""Style files: what may be written in them, what is said when they are broken, every metre."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import all_styles, playable_style, style_named
from jam.accompaniment.patterns import bars_of, fill_of
from jam.accompaniment.styles import DRUMS, SIGNS, conditioned, read_style, style_of
from jam.audio.mixer import mix
from jam.cli.main import main
from jam.errors import BadInput
from jam.music.grid import Meter
from jam.settings import JamSettings
from tests.support.strategies import all_meters

NAMES = (
    "piano",
    "arpeggio",
    "ballad",
    "bossa",
    "country",
    "folk",
    "funk",
    "gospel",
    "held",
    "jazz-waltz",
    "lo-fi",
    "pop",
    "pulse",
    "reggae",
    "rock-ballad",
    "samba",
    "shuffle",
    "swing",
    "waltz",
    "none",
)
OWN = """
title = "Mine"
swing = 0.5
[sound]
chords = { program = 11, volume = 0.5 }
[bars."4/4"]
chords = "x--- .... x--- ...."
[bars."3/4"]
chords = "x--- .... ...."
[bars."6/8"]
chords = "x----- ......"
"""


def test_the_styles_that_come_with_the_program() -> None:
    styles, faults = all_styles()
    assert not faults
    assert tuple(style.name for style in styles) == NAMES
    assert all(style.title and style.about for style in styles)
    assert {style.model_style for style in styles} == {"any", "pop", "jazz", "folk"}


@given(all_meters, st.sampled_from(NAMES))
def test_every_style_has_bars_in_every_metre(meter: Meter, name: str) -> None:
    style = style_named(name)
    bars = bars_of(style, meter)
    assert bars
    for bar in bars:
        assert bar.lane("chords") and bar.lane("bass")
        for lane, rows in bar.lanes.items():
            for row in rows:
                assert len(row.columns) == meter.frames_per_bar
                assert set(row.columns) <= set(SIGNS.get(lane, SIGNS["drums"]) + "-.")
                assert all(hit.column < meter.frames_per_bar and hit.length > 0 for hit in row.hits)
    # Somebody plays the first beat of the first bar; nothing is left out entirely.
    first = [row.columns[0] for rows in bars[0].lanes.values() for row in rows]
    assert name == "none" or set(first) - set("-.")
    fill = fill_of(style, meter)
    assert fill is None or 0 <= fill[0] < meter.frames_per_bar


@pytest.mark.parametrize(
    ("metre", "columns"),
    [
        ("2/4", "X-o-x-o-"),
        ("5/4", "X-o-x-o-x-o-X-o-x-o-"),
        ("12/8", "X-o-o-x-o-o-" * 2),
        ("7/8", "X-o-X-o-x-o-o-"),
    ],
)
def test_metres_that_are_not_drawn_are_put_together(metre: str, columns: str) -> None:
    (lane,) = bars_of(style_named("pop"), Meter.parse(metre))[0].lane("chords")
    assert lane.columns == columns


def test_bars_follow_each_other_and_holds_last_into_the_next() -> None:
    one, two, *_ = bars_of(style_named("bossa"), Meter(4, 4))
    assert one.lane("chords") != two.lane("chords")
    assert one.lane("kick") == two.lane("kick")
    assert [hit.sign for hit in one.lane("bass")[0].hits] == list("RFr")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    styles = tmp_path / "jam" / "styles"
    styles.mkdir(parents=True)
    return styles


def test_a_musicians_own_style(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.toml").write_text(OWN)
    (folder / "pop.toml").write_text(OWN)
    assert style_named("mine").title == "Mine"
    assert style_named("pop").title == "Mine"  # in the place of the program's
    assert mix(JamSettings(), style_named("mine"))["chords"].program == 11
    assert main(["styles"]) == 0
    said = capsys.readouterr().out
    assert "mine" in said and str(folder) in said
    (folder / "mine.toml").write_text(OWN.replace("Mine", "Changed"))
    assert style_named("mine").title == "Changed"


BROKEN = [
    ("", "title"),
    ("title = 3", "title"),
    ("[", "not a TOML file"),
    (OWN.replace("swing = 0.5", "swing = 7"), "swing: 7 is no number from 0 to 1"),
    (OWN.replace("swing", "swnig"), "no such entry: 'swnig'"),
    ('feel = "polka"\n' + OWN, "feel 'polka': must be one of"),
    ('textures = ["thick"]\n' + OWN, "textures: 'thick' is none of"),
    ('grooves = "funk"\n' + OWN, "grooves: 'funk' is no list"),
    (OWN.replace('[bars."3/4"]', '[bars."5/4"]'), "bars.5/4: chords: 12 columns"),
    (OWN.replace('[bars."3/4"]', '[bars."3/5"]'), "metre 3/5"),
    (OWN.replace('[bars."6/8"]', '[bars."12/16"]'), "metre 12/16"),
    (OWN.replace("x--- .... x---", "x--- .... q---"), "'q' is none of"),
    (OWN.replace("x--- .... ....", "x--- .... ..."), "11 columns; a bar of 3/4 has 12"),
    (OWN.replace('"x----- ......"', "7"), "7 is no row of columns"),
    (OWN.replace("program = 11", "program = 200"), "program 200: must be 0 to 127"),
    (OWN.replace("program = 11", 'program = "harp"'), "'harp' is no int"),
    (OWN.replace("chords = {", "choirs = {"), "'choirs'"),
    (OWN + '[bars."2/4"]\ngong = "x......."\n', "no such entry: 'gong'"),
    (OWN + '[fills."4/4"]\nsnare = "' + "x" * 17 + '"\n', "a fill has 1 to 16"),
    ('model_style = "punk"\n' + OWN, "model_style 'punk'"),
    (OWN.split('[bars."6/8"]')[0], "6/8 is missing"),
    (OWN + "#" * 70_000, "larger than 64 KiB"),
    ("\x00\x01", "not a TOML file"),
]


@pytest.mark.parametrize(("text", "named"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_style_is_told_in_one_line(
    text: str, named: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as error:
        style_named("mine")
    said = str(error.value)
    if text:
        assert named in said
    assert str(path) in said and "\n" not in said
    assert main(["styles"]) == 2
    assert str(path) in capsys.readouterr().err
    assert playable_style("mine") is playable_style("piano")  # the music goes on


def test_a_file_with_a_strange_name_or_none(folder: Path) -> None:
    (folder / "Mine!.toml").write_text(OWN)
    assert len(all_styles()[1]) == 1
    with pytest.raises(BadInput, match="style 'tango': must be one of piano"):
        style_named("tango")
    assert main(["render", "x.mid", "-o", "y.mid", "--style", "tango"]) == 2
    with pytest.raises(BadInput, match="no such file"):
        read_style(folder / "there-is-none.toml")


tables = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["title", "bars", "fills", "sound", "4/4", "3/4", "6/8", "chords", "kick"]
            )
            | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["title", "bars", "sound"]), tables))
def test_no_table_breaks_the_reader(values: dict[str, object]) -> None:
    try:
        style_of("any", values)
    except BadInput as error:
        assert "\n" not in str(error)


def test_what_the_user_chose_goes_before_what_the_style_says() -> None:
    style = style_of("own", tomllib.loads(OWN))
    assert mix(JamSettings(agent_volume=0.5), style)["chords"].volume == 0.25
    chosen = JamSettings(agent_program=3, bass_program=4, drums_volume=0.5)
    voices = mix(chosen, style)
    assert (voices["chords"].program, voices["bass"].program) == (3, 4)
    assert voices["drums"].volume == pytest.approx(0.5 * JamSettings().agent_volume)
    swing = style_named("swing")
    assert conditioned(JamSettings(), swing).style == "jazz"
    assert conditioned(JamSettings(style="folk"), swing).style == "folk"
    assert conditioned(JamSettings(), style).style == "any"


def test_every_drum_lane_has_a_key_of_the_drum_map() -> None:
    assert all(35 <= key <= 81 for key in DRUMS.values())


def test_the_example_of_the_documents_is_a_style(folder: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "styles.md"
    text = document.read_text(encoding="utf-8")
    start = text.index('    title = "Charleston"')
    lines = text[start:].split("\n`-` holds")[0].splitlines()
    (folder / "charleston.toml").write_text("\n".join(line.removeprefix("    ") for line in lines))
    assert style_named("charleston").swing == 1.0
