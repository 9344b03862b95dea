"""The improviser: the network and its decoding in numpy are one, in every key, within bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from jam.agent.improviser import FREE, Bound, Improviser, RuleImproviser, Wish
from jam.music.chord import Chord
from jam.music.grid import Meter, Place
from jam.music.rows import ChordState, MelodyState, Row
from models.data.piece import piece_of
from models.data.solos import batch_at, batch_of, told
from models.decoding.decoder import MelodyDecoder
from models.decoding.told import chords_to_come, note_density_class, register_class
from models.improviser import NeuralImproviser
from models.network import vocab
from models.network.config import NetConfig, parameter_shapes
from models.network.transformer import Net
from tests.support.model_parts import tune

SMALL = NetConfig(kind="improviser", channels=4, invariant=8, heads=2, layers=2, ffn=2)


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(3)
    return Net(SMALL).eval()


def arrays(net: Net) -> dict[str, np.ndarray]:
    return {k: v.detach().numpy() for k, v in net.named_parameters()}


def improviser(net: Net) -> NeuralImproviser:
    return NeuralImproviser(MelodyDecoder(SMALL, arrays(net)))


def test_parameters_are_those_of_the_table(net: Net) -> None:
    assert {k: v.shape for k, v in arrays(net).items()} == parameter_shapes(SMALL)


def test_numpy_and_torch_say_the_same(net: Net) -> None:
    piece = piece_of(tune(3, 12)).window(0, 64)
    batch = batch_of([piece], [told(np.random.default_rng(1), piece)], piece.n_frames)
    with torch.no_grad():
        wanted = net.melody_logits(net.hidden(batch.features), batch.now, batch.last_pitch)
    decoder = MelodyDecoder(SMALL, arrays(net))
    for t in range(piece.n_frames):
        row = np.array([[int(batch.features[name][0, t]) for name in decoder.names]])
        now = np.array([[int(batch.now["chord"][0, t]), int(batch.now["chord_onset"][0, t])]])
        last = np.array([int(batch.last_pitch[0, t])])
        found = decoder.melody_logits(decoder.hidden(row), now, last)
        assert np.allclose(found[0], wanted[0, t].numpy(), atol=1e-4)


CHORDS = [Chord(2, "min7"), Chord(7, "7"), Chord(0, "maj7"), Chord(0, "maj7")]


def music(up: int = 0) -> tuple[list[Row], list[Place], list[ChordState]]:
    """Two bars that were played, and two that are to come."""
    meter = Meter(4, 4)
    places = [Place(f // 16, f % 16, meter) for f in range(64)]
    chords = [ChordState(CHORDS[f // 16].transposed(up), f % 16 == 0) for f in range(64)]
    tune = (62, 65, 69, 72, 71, 69, 67, 65)
    rows = [Row(MelodyState(tune[f // 2 % 8] + up, f % 2 == 0), chords[f]) for f in range(32)]
    return rows, places, chords[32:]


def line(
    who: Improviser,
    wish: Wish,
    up: int = 0,
    seed: int = 5,
    bounds: Sequence[Bound] | None = None,
    given: Sequence[MelodyState | None] | None = None,
) -> list[MelodyState]:
    rows, places, chords = music(up)
    return who.improvise(
        rows, places, chords, given or [None] * 32, bounds or [FREE] * 32, wish, seed
    )


def test_the_same_again_and_after_detours(net: Net) -> None:
    who, wish = improviser(net), Wish(2, 1.5, 66.0)
    first = line(who, wish)
    assert first == line(who, wish) == line(improviser(net), wish)
    line(who, Wish(0), up=3)
    assert line(who, wish) == first


def test_committed_frames_are_given_and_the_rest_follows(net: Net) -> None:
    """Planned again with its own beginning given, it comes to the same end."""
    who, wish = improviser(net), Wish(2, 1.5, 66.0)
    first = line(who, wish)
    again = line(who, wish, given=[*first[:9], *[None] * 23])
    assert again == first


@pytest.mark.parametrize("kind", ["neural", "rules"])
def test_range_ends_and_breaths(net: Net, kind: str) -> None:
    who: Improviser = improviser(net) if kind == "neural" else RuleImproviser()
    bounds = [Bound(ends=f >= 28, holds=24 <= f < 28) for f in range(32)]
    for seed in range(5):
        found = line(who, Wish(lowest=60, highest=72), seed=seed, bounds=bounds)
        assert all(60 <= m.pitch <= 72 for m in found if m.onset and m.pitch is not None)
        assert not any(m.onset for m in found[24:])
        assert all(m.pitch is None for m in found[28:])


def test_chords_to_come() -> None:
    chord = np.array([5, 5, 5, 9, 9, 7, 7])
    found = chords_to_come(chord, np.zeros(7, np.int64), np.full(7, 3))
    assert found["next.chord"].tolist() == [9, 9, 9, 7, 7, 0, 0]
    assert found["next.until"].tolist() == [3, 2, 1, 2, 1, 0, 0]
    assert found["after.chord"].tolist() == [0, 0, 7, 0, 0, 0, 0]
    known = chords_to_come(chord, np.zeros(7, np.int64), np.zeros(7, np.int64))
    assert not known["next.chord"].any()


def test_classes_cover_their_tables() -> None:
    densities = {note_density_class(d / 10) for d in range(60)}
    assert densities == set(range(1, vocab.N_NOTE_DENSITIES + 1))
    registers = {register_class(float(p)) for p in range(21, 109)}
    assert registers == set(range(1, vocab.N_REGISTERS + 1))


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    piece = piece_of(tune(3, 12))
    one, two = (batch_at([piece], [piece], 3, seed=1, frames=512) for _ in range(2))
    assert all(torch.equal(one.features[k], two.features[k]) for k in one.features)
