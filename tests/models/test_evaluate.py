"""The ruler: metrics on small examples, baselines, and the command."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jam.agent.rules import ScriptedPredictor
from jam.music.chord import Chord
from jam.music.rows import ChordState
from jam.settings import JamSettings
from models.data.leadsheet import write_jsonl
from models.data.piece import piece_of
from models.evaluation import as_played, metrics
from models.evaluation import evaluate as evaluate
from models.evaluation.contestants import (
    network,
    places_of,
    protocol,
    tonic_triad,
    truth,
    with_chords,
)
from models.evaluation.metrics import Jam
from models.network import vocab
from models.predictor import load_predictor
from models.training import tune_decoding as tune_decoding
from tests.support.model_parts import tune, write_tiny_weights

C, G = Chord(0, "maj"), Chord(7, "7")


def jam(melody: Sequence[int], chords: Sequence[tuple[int, Chord | None]]) -> Jam:
    """Melody as a pitch a frame (0 rests); chords as (frames, chord) one after another."""
    piece = piece_of(tune(0, n_bars=-(-len(melody) // 16))).window(0, len(melody))
    pitch = np.array(melody)
    states: list[ChordState] = []
    for frames, chord in chords:
        states += [ChordState(chord, i == 0 and chord is not None) for i in range(frames)]
    index, onset = vocab.chord_arrays(states)
    before = np.concatenate([[0], pitch[:-1]])
    return Jam(pitch, ((pitch > 0) & (pitch != before)).astype(int), index, onset, piece.places)


def test_note_in_chord_counts_frames_in_which_both_sound() -> None:
    one = jam([60] * 8 + [62] * 4 + [0] * 4, [(16, C)])
    values = metrics.measure([one], [one])
    assert values["note_in_chord"] == pytest.approx(8 / 12)
    assert values["silent"] == 0.0
    quiet = jam([60] * 16, [(8, None), (8, C)])
    assert metrics.measure([quiet], [quiet])["silent"] == pytest.approx(0.5)


def test_harmonic_rhythm_counts_changes_and_not_repeats() -> None:
    one = jam([60] * 32, [(8, C), (8, C), (12, G), (4, C)])
    values = metrics.measure([one], [one])
    assert values["changes_per_bar"] == pytest.approx(3 / 2)
    assert values["changes_on_bar_line"] == pytest.approx(2 / 3)
    assert values["chord_size"] == pytest.approx((20 * 3 + 12 * 4) / 32)
    lengths = np.array([2 / 4, 1 / 4, 1 / 4])
    assert values["chord_length_entropy"] == pytest.approx(-(lengths * np.log(lengths)).sum())


def test_long_chords_are_longer_than_eight_beats() -> None:
    one = jam([60] * 64, [(33, C), (31, G)])
    assert metrics.measure([one], [one])["long"] == pytest.approx(0.5)


def test_vendi_counts_kinds_of_harmony() -> None:
    a = jam([60] * 32, [(16, C), (16, G)])
    b = jam([60] * 32, [(16, Chord(5)), (16, Chord(2, "min"))])
    assert metrics.vendi([a, a, a]) == pytest.approx(1.0)
    assert metrics.vendi([a, b]) == pytest.approx(2.0)


def test_earth_movers_distance() -> None:
    assert metrics.earth_movers(np.array([1.0, 0, 0]), np.array([0, 0, 1.0])) == 2.0
    assert metrics.earth_movers(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.0


def test_form_is_kept_where_melody_and_chords_come_again() -> None:
    bar = [60, 62, 64, 65] * 4
    other = [67, 65, 64, 62] * 4
    melody = (bar + other + bar + other) * 2
    kept = jam(melody, [(16, C), (16, G), (16, C), (16, G)] * 2)
    lost = jam(melody, [(16, C), (16, G), (16, C), (16, G), (64, C)])
    assert metrics.form([kept], 4) == (4, 4)
    assert metrics.form([lost], 4) == (4, 2)


def test_the_tonic_triad_and_the_truth() -> None:
    pieces = [piece_of(tune(i)) for i in range(3)]
    true, tonic = truth(pieces), tonic_triad(pieces)
    assert metrics.measure(tonic, true)["changes_per_bar"] == pytest.approx(1 / 8)
    assert metrics.measure(true, true)["vendi_ratio"] == pytest.approx(1.0)
    assert all(len(np.unique(j.chord)) == 1 for j in tonic)


def test_places_survive_the_way_through_arrays() -> None:
    for meter in ("4/4", "3/4", "6/8", "7/8", "2/2"):
        sheet = tune(1, n_bars=3, meter=meter)
        places = places_of(piece_of(sheet))
        assert [(p.bar, p.frame_in_bar, p.strength) for p in places] == [
            (p.bar, p.frame_in_bar, p.strength) for p in sheet.places()
        ]


def test_many_at_once_equal_one_by_one(tmp_path: Path) -> None:
    """The same dice, the same chords. A near tie could fall differently: odds about 1 in 1000."""
    write_tiny_weights(tmp_path)
    pieces = [piece_of(tune(i, n_bars=3)) for i in range(3)]
    together = network(tmp_path, "online")(pieces, 1.0, 7)
    alone = protocol(load_predictor(tmp_path))(pieces, 1.0, 7)
    for a, b in zip(together, alone, strict=True):
        assert (a.chord == b.chord).all()


def test_the_jump_is_a_tritone_at_beat_seventeen() -> None:
    piece = piece_of(tune(2))
    moved = evaluate.leaping(piece)
    assert (moved.pitch[:64] == piece.pitch[:64]).all()
    sounding = piece.pitch[64:] > 0
    assert set((moved.pitch[64:] - piece.pitch[64:])[sounding].tolist()) <= {6, -6}
    assert evaluate.recovery([0.6] * 32, [0.6] * 16 + [0.2] * 4 + [0.6] * 12) == 4.0
    assert math.isinf(evaluate.recovery([0.6] * 32, [0.6] * 16 + [0.2] * 16))


def scripted() -> ScriptedPredictor:
    """A factory for `--predictor`."""
    return ScriptedPredictor([ChordState(C, i == 0) for i in range(64)])


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments)])
    return evaluate.main()


def test_the_command_measures_any_predictor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_weights(tmp_path / "weights")
    sheets = [tune(i, n_bars=14, split="test") for i in range(2)]
    write_jsonl(tmp_path / "tunes.jsonl", sheets)
    out = tmp_path / "out"
    spec = "tests.models.test_evaluate:scripted"
    weights = f"tiny={tmp_path / 'weights'}"
    monkeypatch.setattr(evaluate, "stability", lambda pieces, specs: {"rule-based": 0.0})
    assert run_command(
        monkeypatch, "--data", tmp_path / "tunes.jsonl", "--out", out, "--weights", weights,
        "--predictor", spec, "--foresight", "0", "--frames", "48", "--frame-by-frame",
    ) == 0  # fmt: skip
    result = json.loads((out / "results.json").read_text())
    rows = {(r["group"], r["name"]): r for r in result["rows"]}
    assert rows["all", "truth"]["of_truth"] == 1.0
    assert rows["tests", spec]["changes_per_bar"] == pytest.approx(1 / 3)
    assert len(result["pieces"]) == 2
    assert set(result["live"]) == {
        "rules", "tiny", spec, "tiny offline", "tonic triad", "truth",
    }  # fmt: skip
    assert (out / "table.md").exists()
    assert "rule-based" in capsys.readouterr().out
    assert run_command(monkeypatch, "--data", tmp_path / "nothing.jsonl") == 2
    assert "nothing.jsonl" in capsys.readouterr().err


def test_situations_are_played_live(tmp_path: Path) -> None:
    pieces = [piece_of(tune(i, n_bars=14)) for i in range(2)]
    curves = evaluate.situations({"one": (scripted(), JamSettings())}, pieces, [0])
    assert len(curves["one"]["jump"]) == evaluate.JUMP_BEATS
    assert "| one |" in evaluate.situation_table(curves)
    evaluate.plot(curves, tmp_path)
    assert (tmp_path / "adaptation.png").exists() and (tmp_path / "cold_start.png").exists()


def test_networks_are_measured_as_they_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_weights(tmp_path / "one", recall=True)
    write_tiny_weights(tmp_path / "two")
    write_jsonl(tmp_path / "songs.jsonl", [tune(i, n_bars=4) for i in range(2)])
    weights = [f"{name}={tmp_path / name}" for name in ("one", "two")]
    usual: list[str | Path] = [
        "--data", tmp_path / "songs.jsonl", "--split", "all", "--out", tmp_path / "out",
        "--frames", "48", "--foresight", "0", "--weights", *weights,
    ]  # fmt: skip
    assert run_command(monkeypatch, *usual, "--compare", "one", "two", "--seeds", "2") == 0
    report = capsys.readouterr().out
    assert "| | rules | one | two | one offline | two offline | tonic triad | truth |" in report
    assert "two against one" in report
    values = json.loads((tmp_path / "out" / "results.json").read_text())
    assert len(values["pieces"]) == 2
    assert values["live"]["truth"]["diversity"] == pytest.approx(1)
    assert run_command(monkeypatch, *usual, "--compare", "one", "nobody") == 2
    assert "nobody" not in capsys.readouterr().out
    twice: list[str | Path] = ["--pool", tmp_path / "out", tmp_path / "out", "--by-corpus"]
    assert run_command(monkeypatch, *twice, "--out", tmp_path / "both") == 0
    assert "| tests | 2 |" in capsys.readouterr().out
    both = json.loads((tmp_path / "both" / "results.json").read_text())["live"]["one"]
    once = values["live"]["one"]
    assert both["diversity"] == pytest.approx(once["diversity"])
    assert both["counts"][0]["silent"] == [2 * n for n in once["counts"][0]["silent"]]
    assert run_command(monkeypatch, "--pool", tmp_path) == 2
    assert "not a run" in capsys.readouterr().err


def test_samplings_of_a_piece_are_pooled() -> None:
    one = [{"clash": (1.0, 4.0)}, {"clash": (0.0, 1.0)}]
    other = [{"clash": (3.0, 4.0), "return": (1.0, 1.0)}, {}]
    assert as_played.pooled([one, other]) == [
        {"clash": (4.0, 8.0), "return": (1.0, 1.0)},
        {"clash": (0.0, 1.0)},
    ]


def test_tuning_writes_rules_that_load(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    write_jsonl(tmp_path / "tunes.jsonl", [tune(i, split="valid") for i in range(2)])
    tune_decoding.main(
        ["--data", str(tmp_path / "tunes.jsonl"), "--weights", str(tmp_path), "--rounds", "3"]
    )
    settings = json.loads((tmp_path / "online.json").read_text())
    assert len(settings["decoding"]["hold_bias"]) == 4
    predictor = load_predictor(tmp_path)
    place = tune(1).places()[1]
    off_beat = predictor.chord_logits(place)
    settings["decoding"]["hold_bias"][0] += 5.0
    (tmp_path / "online.json").write_text(json.dumps(settings))
    assert load_predictor(tmp_path).chord_logits(place)[0] == pytest.approx(off_beat[0] + 5.0)


def test_a_piece_can_be_given_other_chords() -> None:
    piece = piece_of(tune(3))
    other = with_chords(piece, np.zeros_like(piece.chord), np.zeros_like(piece.chord))
    assert metrics.measure([other], truth([piece]))["silent"] == 1.0
    assert replace(piece).n_frames == piece.n_frames
