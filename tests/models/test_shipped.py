"""The weights that are shipped play within musical bounds, whatever the slider says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import models
from models.data.leadsheet import write_jsonl
from models.data.piece import piece_of
from models.evaluation import metrics
from models.evaluation import print_sheets as print_sheets
from models.evaluation.contestants import network, truth
from tests.support.model_parts import tune

WEIGHTS = Path(models.__file__).parent / "weights"


@pytest.mark.parametrize("adventurous", [0.0, 0.5, 1.0])
def test_the_shipped_networks_keep_their_measure(adventurous: float) -> None:
    """Loosely: random tunes are no songs. Chances of a false alarm are slight; seeds are fixed."""
    pieces = [piece_of(tune(i, 12)) for i in range(10)]
    jams = network(WEIGHTS, "online", adventurous)(pieces, 1.0, 0)
    found = metrics.measure(jams, truth(pieces))
    assert found["note_in_chord"] > 0.3
    assert 2.9 < found["chord_size"] < 4.0
    assert 0.4 < found["changes_per_bar"] < 2.5
    assert found["changes_on_bar_line"] > 0.35
    assert found["silent"] < 0.15


def test_lead_sheets_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(tmp_path / "tunes.jsonl", [tune(i, split="test") for i in range(3)])
    args = ["print_sheets", "--data", str(tmp_path), "--pieces", "2", "--bars", "6"]
    monkeypatch.setattr(sys, "argv", args)
    assert print_sheets.main() == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line.split()[0] for line in lines if "|" in line]
    assert titles == ["melody", "jam", "song"] * 4
    monkeypatch.setattr(sys, "argv", [*args[:2], str(tmp_path / "nowhere")])
    assert print_sheets.main() == 2
