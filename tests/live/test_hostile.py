"""What was found by `make fuzz` once, and a few hundred new hostile inputs for every reader."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from jam.agent.rules import RULES_PLAY, RuleBasedPredictor
from jam.cli.main import load_predictor, main
from jam.files import demo_tunes
from tools.fuzzing.mutate import mutated
from tools.fuzzing.reader import judge
from tools.fuzzing.readers import READERS

HOSTILE = Path(__file__).parents[1] / "fixtures" / "hostile"
_ODD_BUT_GOOD = (
    "name-not-utf-8",
    "length-beyond-the-end",
    "metre-0",
    "metre-255",
    "tempo-0",
    "tempo-1",
)
"""What is odd in these is passed over, and said."""
FOUND = sorted(path for path in HOSTILE.glob("*/*") if path.is_file())


def test_every_find_has_a_reader() -> None:
    assert {path.parent.name for path in FOUND} <= set(READERS)
    assert all(path.suffix == READERS[path.parent.name].suffix for path in FOUND)


@pytest.mark.parametrize("path", FOUND, ids=[f"{p.parent.name}-{p.stem}" for p in FOUND])
def test_what_was_found_is_survived(path: Path) -> None:
    verdict = judge(READERS[path.parent.name], path.read_bytes())
    assert not verdict.is_find, f"{verdict.kind}: {verdict.fault}\n{verdict.detail}"


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["render", str(path), "-o", "x.mid"]
            for path in sorted(HOSTILE.glob("midi-file/*.mid"))
            if path.stem not in _ODD_BUT_GOOD
        ),
        ["harmonize", str(HOSTILE / "midi-file" / "division-0.mid"), "-o", "x.musicxml"],
        ["demo", "--no-window", "--tune", str(HOSTILE / "midi-file" / "smpte.mid")],
        ["sessions", "import", str(HOSTILE / "midi-file" / "empty.mid")],
    ],
    ids=lambda words: f"{words[0]}-{Path(words[1]).stem}",
)
def test_the_command_line_refuses_in_one_line(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("jam: ") and said.count("\n") == 1
    assert next(word for word in words if word.endswith(".mid") and "/" in word) in said
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize("stem", _ODD_BUT_GOOD[1:])
def test_the_command_line_says_in_one_line_what_was_odd(
    stem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = HOSTILE / "midi-file" / f"{stem}.mid", tmp_path / "x.mid"
    assert main(["render", str(path), "-o", str(out), "--agent", "rules"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("jam: ") and said.count("\n") == 1 and str(path) in said
    assert out.exists()


def test_a_broken_soundfont_is_refused_in_one_line(tmp_path: Path) -> None:
    """In a process of its own: FluidSynth is C."""
    font = HOSTILE / "soundfont" / "cut.sf2"
    song = demo_tunes()[0]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jam",
            "render",
            str(song),
            "-o",
            str(tmp_path / "x.wav"),
            "--agent",
            "rules",
        ],
        env={**os.environ, "JAM_SOUNDFONT": str(font)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"jam: {font}: truncated")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.wav").exists()


def test_the_rules_play_where_the_weights_are_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = models.load_predictor
    monkeypatch.setattr(models, "load_predictor", lambda: real(tmp_path))
    for name in ("online", "offline"):
        shutil.copy(Path(models.__file__).parent / "weights" / f"{name}.json", tmp_path)
        shutil.copy(HOSTILE / "weights" / "cut.safetensors", tmp_path / f"{name}.safetensors")
    predictor, complaint = load_predictor()
    assert isinstance(predictor, RuleBasedPredictor)
    assert complaint.startswith(f"{RULES_PLAY}: {tmp_path}/online.safetensors: ")


@pytest.mark.parametrize("name", READERS)
def test_the_seeds_are_good(name: str) -> None:
    for data in READERS[name].seeds():
        verdict = judge(READERS[name], data)
        assert verdict.kind == "accepted", f"{verdict.fault}\n{verdict.detail}"


@pytest.mark.parametrize("name", READERS)
def test_hostile_input_is_refused_or_survived(name: str) -> None:
    reader = READERS[name]
    seeds = reader.seeds()

    @settings(max_examples=reader.examples)
    @given(st.integers(0, 2**32))
    def feed(number: int) -> None:
        data = mutated(Random(number), reader, seeds)
        verdict = judge(reader, data)
        assert not verdict.is_find, f"{data!r:.2000}: {verdict.fault}\n{verdict.detail}"

    feed()
