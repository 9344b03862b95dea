"""Training: batches without test pieces, a past that is wrong, runs that resume."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from jam.errors import BadInput
from jam.music.rows import N_CHORD_CLASSES
from models.data.augment import Wrongness, imperfect, transposed, wrong_past
from models.data.batches import batch_at, chances_of
from models.data.leadsheet import split_of, write_jsonl
from models.data.piece import Piece, piece_of, pieces
from models.network import vocab, weights
from models.network.chords import CHORD_TONES
from models.network.config import CONFIGS
from models.training import offline as train_offline
from models.training import online as train_online
from models.training.distill import main
from models.training.run import sung_ahead
from tests.support.model_parts import TINY, TINY_OFFLINE, tune


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A JSONL with pieces of every split."""
    sheets = [tune(i, split="train") for i in range(4)]
    sheets += [tune(i, split="valid", meter="3/4") for i in range(4, 6)]
    sheets += [tune(i, split="test") for i in range(6, 9)]
    path = tmp_path / "tunes.jsonl"
    write_jsonl(path, sheets)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stages with tiny networks."""
    monkeypatch.setitem(CONFIGS["online"], "small", TINY)
    monkeypatch.setitem(CONFIGS["offline"], "small", TINY_OFFLINE)
    yield


def options(data: Path, out: Path, steps: int, *more: str) -> list[str]:
    return [
        "--data",
        str(data),
        "--out",
        str(out),
        "--steps",
        str(steps),
        "--frames",
        "256",
        "--validate-every",
        "2",
        "--seed",
        "3",
        *more,
    ]


def lines(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_no_piece_of_the_test_split_is_ever_in_a_batch(data: Path) -> None:
    corpus = pieces([data], "train")
    held_out = pieces([data], "valid")
    seen = {
        name
        for split in (corpus, held_out)
        for step in range(40)
        for name in batch_at(split, step, seed=0, frames=512, wrongness=Wrongness()).names
    }
    assert len(seen) == 6
    assert all(split_of(*name.split("/", 1)) != "test" for name in seen)
    assert {p.name for p in corpus}.isdisjoint({p.name for p in held_out})


def test_batches_are_functions_of_seed_and_step(data: Path) -> None:
    corpus = pieces([data], "train")
    a, b, c = (batch_at(corpus, step, seed=1, frames=512) for step in (5, 5, 6))
    assert all((a.features[k] == b.features[k]).all() for k in a.features)
    assert a.names != c.names or not (a.chord_target == c.chord_target).all()


def test_all_features_are_within_their_tables(data: Path) -> None:
    corpus = pieces([data], "train")
    for step in range(20):
        batch = batch_at(corpus, step, seed=2, frames=512, wrongness=Wrongness())
        for name, values in (batch.features | batch.heard | batch.now).items():
            if name == "copies":  # class, -1 where there is nothing to copy, and case
                copied, case = values.unbind(-1)
                assert int(copied.min()) >= -1 and int(copied.max()) < N_CHORD_CLASSES
                assert int(case.min()) >= 0 and int(case.max()) < vocab.N_CASES
                continue
            n_values = vocab.n_values(name.rpartition(".")[2])
            assert int(values.min()) >= 0 and int(values.max()) < n_values, name
        assert int(batch.last_pitch.min()) >= 21


def test_no_lead_sheets_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no JSONL"):
        pieces([tmp_path], "train")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(BadInput, match="no piece"):
        pieces([tmp_path], "train")


def states_reached(past: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The chord that each target leads to from the past before it."""
    before = np.concatenate([[0], past[:-1]])
    return np.where(target == 0, before, np.where(target == 1, 0, target - 1))


def some_piece(number: int) -> Piece:
    return piece_of(tune(number, n_bars=12))


def test_a_wrong_past_is_put_right_where_a_correction_is_due() -> None:
    strength = vocab.PLACE_FEATURES.index("strength")
    always = Wrongness(true_share=0.0, throughout_share=1.0, half_bar_share=0.0, beat_share=0.0)
    wrong_frames = 0
    for number in range(10):
        piece, donor = some_piece(number), some_piece(number + 1)
        past, _, target = wrong_past(np.random.default_rng(number), piece, donor, always)
        reached = states_reached(past, target)
        bar_lines = piece.places[:, strength] == 3
        assert (reached[bar_lines] == piece.chord[bar_lines]).all()
        # Elsewhere the target holds, or goes where the truth goes at that moment.
        moved = (target != 0) & ~bar_lines
        assert (reached[moved] == piece.chord[moved]).all()
        wrong_frames += int((past != piece.chord).sum())
    assert wrong_frames > 500


def test_a_true_past_has_the_truth_as_target() -> None:
    piece, donor = some_piece(1), some_piece(2)
    past, onset, target = wrong_past(
        np.random.default_rng(0), piece, donor, Wrongness(true_share=1.0, throughout_share=0.0)
    )
    assert (past == piece.chord).all() and (onset == piece.chord_onset).all()
    before = np.concatenate([[0], piece.chord[:-1]])
    assert (target == vocab.chord_targets(piece.chord, piece.chord_onset, before)).all()


def test_a_window_without_chords_can_have_a_wrong_past() -> None:
    piece, donor = some_piece(1), some_piece(2)
    silent = replace(
        piece, chord=np.zeros_like(piece.chord), chord_onset=np.zeros_like(piece.chord_onset)
    )
    always = Wrongness(true_share=0.0, throughout_share=1.0)
    for seed in range(60):
        past, _, target = wrong_past(np.random.default_rng(seed), silent, donor, always)
        assert len(past) == len(target) == silent.n_frames


def test_transposing_keeps_notes_in_their_chords() -> None:
    piece = some_piece(3)
    for seed in range(20):
        moved = transposed(np.random.default_rng(seed), piece)
        for a, b in ((piece, moved),):
            fit_a = CHORD_TONES[a.chord, a.pitch % 12] & (a.pitch > 0)
            fit_b = CHORD_TONES[b.chord, b.pitch % 12] & (b.pitch > 0)
            assert (fit_a == fit_b).all()


def test_an_imperfect_player_plays_on() -> None:
    piece = some_piece(4)
    changed = 0
    for seed in range(20):
        played = imperfect(np.random.default_rng(seed), piece)
        assert (played.chord == piece.chord).all()
        assert ((played.pitch == 0) | ((played.pitch >= 21) & (played.pitch <= 108))).all()
        changed += int((played.pitch != piece.pitch).sum())
    assert 0 < changed < 20 * piece.n_frames // 4


@pytest.mark.usefixtures("small")
def test_training_resumes_to_the_same_loss(data: Path, tmp_path: Path) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    train_online.main(options(data, straight, 4))
    # The same run, killed after its second step: what counts is the checkpoint it left.
    train_online.main(options(data, stopped, 4, "--stop-after", "2"))
    assert len(lines(stopped)) == 1
    train_online.main(options(data, stopped, 4))
    a, b = lines(straight)[-1], lines(stopped)[-1]
    assert a["step"] == b["step"] == 4
    assert a["valid_chord"] == b["valid_chord"] and a["chord"] == b["chord"]
    one, two = (weights.read_arrays(r / "online.safetensors")[0] for r in (straight, stopped))
    assert all((one[k] == two[k]).all() for k in one)


@pytest.mark.usefixtures("small")
def test_every_stage_runs_two_steps(data: Path, tmp_path: Path) -> None:
    online, repair, offline, distilled = (tmp_path / n for n in "abcd")
    train_online.main(options(data, online, 2))
    train_online.main(
        options(data, repair, 2, "--init", str(online), "--wrong-past", "--ahead", "3")
    )
    train_offline.main(options(data, offline, 2))
    main(options(data, distilled, 2, "--init", str(repair), "--teacher", str(offline)))
    for run, kind in (
        (online, "online"),
        (repair, "online"),
        (offline, "offline"),
        (distilled, "online"),
    ):
        assert all(np.isfinite(v) for v in lines(run)[-1].values())
        assert (run / f"{kind}.safetensors").exists() and (run / "loss.png").exists()
        assert not (run / "checkpoint.safetensors.partial").exists()
    assert lines(repair)[-1]["valid_chord_wrong_past"] > 0
    assert lines(distilled)[-1]["valid_ahead"] > 0


def test_what_is_sung_ahead_is_counted_beat_by_beat() -> None:
    rng = np.random.default_rng(3)
    melody, per_beat = rng.integers(0, 26, (2, 40)), np.array([[4] * 40, [6] * 40])
    weight = np.ones((2, 40))
    weight[1, 30:] = 0
    tensors = [torch.from_numpy(x) for x in (melody, per_beat, weight)]
    found = sung_ahead(tensors[0], tensors[1], tensors[2], 3).numpy()
    for b, t, beat in itertools.product(range(2), (0, 5, 33, 39), range(3)):
        frames = range(t + beat * per_beat[b, t], min(40, t + (beat + 1) * per_beat[b, t]))
        heard = [melody[b, u] % 13 - 1 for u in frames if melody[b, u] % 13 and weight[b, u]]
        assert found[b, t, beat].tolist() == np.bincount(heard, minlength=12)[:12].tolist()


@pytest.mark.usefixtures("small")
def test_a_run_of_another_network_is_not_resumed(data: Path, tmp_path: Path) -> None:
    train_online.main(options(data, tmp_path / "run", 1))
    with pytest.raises(BadInput, match="another network"):
        train_online.main(options(data, tmp_path / "run", 2, "--config", "large"))


@pytest.mark.usefixtures("small")
def test_a_strange_checkpoint_is_named(data: Path, tmp_path: Path) -> None:
    train_online.main(options(data, tmp_path / "run", 1))
    file = tmp_path / "run" / "checkpoint.safetensors"
    arrays, metadata = weights.read_arrays(file)
    name = next(name for name in arrays if name.startswith("net."))
    for strange in (
        {k: v for k, v in arrays.items() if k != name},
        arrays | {name: arrays[name].ravel()[:1].repeat(7)},
    ):
        weights.write_arrays(file, strange, metadata)
        with pytest.raises(BadInput, match="not the checkpoint of a run"):
            train_online.main(options(data, tmp_path / "run", 2))


def test_small_corpora_are_drawn_more_often_where_asked() -> None:
    corpus = [replace(piece_of(tune(i)), name=f"{'ab'[i > 0]}/{i}") for i in range(5)]
    assert chances_of(corpus, 0.0) == pytest.approx([0.2] * 5)
    assert chances_of(corpus, 1.0) == pytest.approx([0.5] + [0.125] * 4)
    assert chances_of(corpus, 0.5) == pytest.approx([1 / 3] + [1 / 6] * 4)


@pytest.mark.parametrize("evenness", ["-0.1", "5", "nan"])
def test_a_strange_evenness_is_named(data: Path, tmp_path: Path, evenness: str) -> None:
    with pytest.raises(BadInput, match="must be from 0 to 1"):
        train_online.main(options(data, tmp_path / "run", 2, "--evenness", evenness))
