"""The network: causal, the same in every key, and the same with numpy as with torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from jam.agent.anticipation import Anticipator
from jam.agent.merits import places_from
from jam.errors import BadInput
from jam.messages.plans import PlanRequest
from jam.music.grid import Meter, Place
from jam.music.key import in_key
from jam.music.melody import held
from jam.music.rows import NO_CHORD, REST, MelodyState, Row
from jam.settings import JamSettings
from models.data.augment import shift_pitches
from models.data.batches import Batch, Shown, stack
from models.data.piece import Piece, piece_of
from models.decoding import spectral
from models.decoding.decoder import Stack, no_memory, remember, shared_features
from models.decoding.harmoniser import OfflineDecoder
from models.network import frequencies, vocab
from models.network.chords import turn_chords
from models.network.config import CONFIGS, NetConfig, parameter_shapes
from models.network.transformer import Block, Net
from models.predictor import NeuralPredictor, load_predictor
from models.training.run import offline_logits
from tests.support.model_parts import TINY, tiny_net, tune, write_tiny_weights

SHIPPED = Path(__file__).parents[2] / "models" / "weights"


def plain(piece: Piece) -> Batch:
    """A piece as it is, in a batch of its own."""
    before = np.concatenate([[0], piece.chord[:-1]])
    target = vocab.chord_targets(piece.chord, piece.chord_onset, before)
    return stack([Shown(piece, piece.chord, piece.chord_onset, target, 0, 0)], piece.n_frames)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ["online", "offline"])
def test_parameters_are_those_that_are_listed(kind: str, tied: bool) -> None:
    recall = tied and kind == "online"
    config = replace(CONFIGS[kind]["small"], tied=tied, recall=recall, copies=recall)
    config = replace(config, ahead=8 if kind == "online" else 0)
    found = {name: tuple(p.shape) for name, p in Net(config).named_parameters()}
    assert found == parameter_shapes(config)


def test_blocks_by_frequency_are_the_dense_ones_with_their_gradients() -> None:
    net = Net(replace(TINY, heads=2)).eval()
    x = torch.randn(2, 40, TINY.dim)
    bias = net.bias(True, 40, x.device)
    toward = torch.randn_like(x)
    found = []
    blocks = [cast(Block, b) for b in net.blocks]
    for by_frequency in (True, False):
        net.zero_grad()
        y = own = x.clone().requires_grad_()
        if by_frequency:
            y = frequencies.through(blocks, own, bias, net.config)
        else:
            for block in blocks:
                y = block(y, bias)
        (y * toward).sum().backward()
        assert own.grad is not None
        found.append([y, own.grad, *(p.grad for p in net.blocks.parameters())])
    for one, other in zip(*found, strict=True):
        assert one is not None and other is not None
        assert torch.allclose(one, other, atol=2e-4, rtol=1e-3)


def test_transposed_music_gives_transposed_logits() -> None:
    net = Net(replace(TINY, ahead=2)).eval()
    piece = piece_of(tune(1))
    up = replace(piece, pitch=shift_pitches(piece.pitch, 5), chord=turn_chords(piece.chord, 5))
    here, there = plain(piece), plain(up)
    # How high a melody lies is the one thing that the network may take into account.
    there.features["melody_height"][:] = here.features["melody_height"]
    with torch.no_grad():
        hidden = [net.hidden(x.features) for x in (here, there)]
        a, b = (net.chord_logits(h)[0] for h in hidden)
        ahead, ahead_up = (net.ahead_logits(h)[0] for h in hidden)
    assert torch.allclose(ahead.roll(5, 2), ahead_up, atol=1e-5)
    assert torch.allclose(a[:, :2], b[:, :2], atol=1e-5)
    by_root = a[:, 2:].view(-1, 12, vocab.N_QUALITIES)
    assert torch.allclose(by_root.roll(5, 1).flatten(1), b[:, 2:], atol=1e-5)


def test_training_forward_is_causal() -> None:
    net = tiny_net()
    piece = piece_of(tune(2))
    t = 60
    other = replace(piece, pitch=piece.pitch.copy())
    other.pitch[t:] = np.where(other.pitch[t:] > 0, 61, 59)
    other = replace(other, onset=np.ones_like(other.onset))
    other.onset[:t] = piece.onset[:t]
    with torch.no_grad():
        a, b = (net.chord_logits(net.hidden(plain(p).features))[0] for p in (piece, other))
    assert torch.equal(a[: t + 1], b[: t + 1])
    assert not torch.equal(a[t + 1 :], b[t + 1 :])


def fed(predictor: NeuralPredictor, piece_number: int, n: int) -> None:
    sheet = tune(piece_number, n_bars=-(-n // 16))
    predictor.reset(JamSettings())
    predictor.extend(sheet.rows()[:n], sheet.places()[:n])


@pytest.mark.parametrize("recall", [False, True])
def test_numpy_decoding_equals_torch_forward(tmp_path: Path, recall: bool) -> None:
    nets = write_tiny_weights(tmp_path, recall)
    predictor = load_predictor(tmp_path)
    sheet = tune(3, n_bars=7 if recall else 3)
    places = sheet.places()
    melody = held((m, p.meter.frames_per_beat) for m, p in zip(sheet.melody, places, strict=True))
    rows = [Row(m, c) for m, c in zip(melody, sheet.chords, strict=True)]
    batch = plain(piece_of(sheet))
    net = nets["online"]
    with torch.no_grad():
        hidden = net.hidden(batch.features)
        chords = net.chord_logits(hidden, batch.features["copies"])[0].numpy()
        melodies = net.melody_logits(hidden, batch.now, batch.last_pitch)[0].numpy()
        ahead = (
            net.ahead_logits(hidden)[0].softmax(-1).numpy() if recall else np.zeros((500, 0, 12))
        )
        offline = offline_logits(nets["offline"], batch)[0].numpy()
    predictor.reset(JamSettings())
    piece = piece_of(sheet)
    config, weights, _ = spectral.load_weights(tmp_path, "offline")
    decoder = OfflineDecoder(config, weights)
    shared = shared_features(piece.places)[None]
    encoded = decoder.encode(piece.pitch[None], piece.onset[None], shared)
    memory = no_memory(1)
    for t, (row, place) in enumerate(zip(rows, places, strict=True)):
        assert np.allclose(predictor.chord_logits(place), chords[t], atol=1e-4)
        assert np.allclose(predictor.melody_logits(place, row.chord), melodies[t], atol=1e-4)
        foreseen = predictor._online.foreseen(predictor._position(place))[0]
        assert np.allclose(foreseen, ahead[t], atol=1e-5)
        predictor.extend([row], [place])
        one = decoder.chord_logits(memory, shared[:, t], encoded[:, t])[0]
        assert t >= TINY.context or np.allclose(one, offline[t], atol=1e-4)
        arrays = (piece.pitch, piece.onset, piece.chord, piece.chord_onset)
        memory = remember(memory, *(a[t : t + 1] for a in arrays))


@pytest.mark.parametrize("recall", [False, True])
def test_rolled_back_equals_never_ventured(tmp_path: Path, recall: bool) -> None:
    write_tiny_weights(tmp_path, recall)
    wandering, straight = load_predictor(tmp_path), load_predictor(tmp_path)
    sheet, elsewhere = tune(4), tune(5)
    rows, places = sheet.rows(), sheet.places()
    fed(wandering, 4, 40)
    wandering.chord_logits(places[3])
    wandering.extend(elsewhere.rows()[40:70], elsewhere.places()[40:70])
    wandering.rewind(40)
    fed(straight, 4, 40)
    for t in range(40, 60):
        assert np.array_equal(wandering.chord_logits(places[t]), straight.chord_logits(places[t]))
        wandering.extend([rows[t]], [places[t]])
        straight.extend([rows[t]], [places[t]])
    assert wandering.n_rows == straight.n_rows == 60


def test_what_is_foreseen_knows_nothing_of_what_came_since(tmp_path: Path) -> None:
    """Whatever is played in the frames between, and however the rows came to be held."""
    write_tiny_weights(tmp_path, recall=True)
    predictor = load_predictor(tmp_path)
    predictor.reset(JamSettings())
    sheet = tune(3, n_bars=8)
    rows, places = sheet.rows(), sheet.places()
    t, lead = 110, 6
    ahead = places_from(places[t], 16)
    found = []
    for at_once in (True, False):
        for other in (False, True):
            predictor.rewind(0)
            changed = [Row(MelodyState(61 + i % 5, True), NO_CHORD) for i in range(lead)]
            played = rows[: t - lead] + (changed if other else rows[t - lead : t])
            for piece in [played] if at_once else [[row] for row in played]:
                predictor.extend(piece, places[predictor.n_rows :][: len(piece)])
            before = predictor.chord_logits(places[t])
            foreseen = predictor.foreseen(ahead, lead) - predictor.sang_then(ahead)
            assert np.array_equal(predictor.chord_logits(places[t]), before)
            found.append(foreseen)
    for foreseen in found[1:]:
        np.testing.assert_allclose(foreseen, found[0], atol=1e-4)
    assert found[0].sum() == pytest.approx(16, abs=1e-3)
    assert not np.allclose(predictor.foreseen(ahead, 0) - predictor.sang_then(ahead), found[0])


def test_sessions_longer_than_the_cache_go_on(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    predictor = load_predictor(tmp_path)
    sheet = tune(6, n_bars=80)
    rows, places = sheet.rows(), sheet.places()
    capacity = TINY.context + 1024
    predictor.reset(JamSettings())
    for t in range(capacity + 20):
        predictor.extend(rows[t : t + 1], places[t : t + 1])
    here = predictor.chord_logits(places[capacity + 20])
    assert np.isfinite(here).all()
    for back in (100, 500, 1000):  # the last ones are beyond what the cache keeps
        predictor.rewind(capacity + 20 - back)
        predictor.chord_logits(places[0])
    # With so short a context, what lies before it is all but forgotten after the way back.
    predictor.extend(
        rows[predictor.n_rows : capacity + 20], places[predictor.n_rows : capacity + 20]
    )
    assert np.allclose(predictor.chord_logits(places[capacity + 20]), here, atol=1e-3)


def test_style_and_density_are_conditions(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    predictor = load_predictor(tmp_path)
    place = tune(7).places()[0]
    seen = []
    for settings in (JamSettings(), JamSettings(style="jazz"), JamSettings(density=2.0)):
        predictor.reset(settings)
        seen.append(predictor.chord_logits(place))
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])


@pytest.mark.parametrize("before", [0, 1, 200])
def test_positions_read_at_once_are_those_taken_one_by_one(before: int) -> None:
    """In pieces, with a window shorter than what is read, and behind what is there already."""
    decoder = shipped()._online
    config = replace(decoder.config, context=100)
    steps, read = (Stack(config, decoder.stack.layers, 1) for _ in range(2))
    x = np.random.default_rng(3).normal(size=(before + 190, config.dim)).astype(np.float32)
    for one in x:
        steps.step(one[None])
    for one in x[:before]:
        read.step(one[None])
    read.read(x[before:])
    assert read.n == steps.n
    filled = np.s_[..., : steps.n, :]
    assert np.allclose(read.cache[filled], steps.cache[filled], atol=1e-4)
    assert np.allclose(read.step(x[:1]), steps.step(x[:1]), atol=1e-4)


def test_more_than_the_cache_holds_cannot_be_read() -> None:
    stack = shipped()._online.stack
    with pytest.raises(ValueError, match="cannot read 3000 positions"):
        stack.read(np.zeros((3000, stack.config.dim), np.float32))


def shipped() -> NeuralPredictor:
    return load_predictor(SHIPPED)


def test_shipped_weights_are_causal() -> None:
    """No melody at or after frame t changes the chord's distribution at t."""
    predictor = shipped()
    sheet = tune(8, n_bars=4)
    rows, places = sheet.rows(), sheet.places()
    n = 48
    seen: list[list[np.ndarray]] = []
    for disturbed_from in (n, 20):
        predictor.reset(JamSettings())
        logits = []
        for t in range(n):
            logits.append(predictor.chord_logits(places[t]))
            melody = rows[t].melody if t < disturbed_from else MelodyState(61 + t % 5, True)
            predictor.melody_logits(places[t], rows[t].chord)
            predictor.extend([Row(melody, rows[t].chord)], [places[t]])
        seen.append(logits)
    assert all(np.array_equal(a, b) for a, b in zip(seen[0][:21], seen[1][:21], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(seen[0][21:], seen[1][21:], strict=True))


def test_shipped_weights_plan_alike_fast_and_slow() -> None:
    """A plan along which everything came true equals one made from nothing, bit for bit."""
    predictor = shipped()
    sheet = tune(9, n_bars=3)
    places = sheet.places()
    settings = JamSettings()
    agent = Anticipator(predictor, seed=5)
    melody = list(sheet.melody)
    plan = None
    for t in range(12):
        chord = NO_CHORD if plan is None else plan.chords[t - plan.start_frame]
        if plan is not None and t > 4:
            melody[t] = plan.expected_melody[t - plan.start_frame]
        plan = agent.plan(
            PlanRequest(
                t, (Row(melody[t], chord),), (), tuple(places[t : t + 17]), 16, 0, 0, settings
            )
        )
    assert plan is not None
    history = [Row(r.melody, r.chord) for r, _ in agent._fed[:12]]
    slow = Anticipator(load_predictor(SHIPPED), seed=5)
    again = slow.plan(PlanRequest(0, tuple(history), (), tuple(places[:28]), 16, 0, 0, settings))
    assert (again.chords, again.expected_melody) == (plan.chords, plan.expected_melody)


def test_shipped_weights_harmonise() -> None:
    predictor = shipped()
    sheet = tune(10, n_bars=4)
    chords = predictor.harmonise(sheet.melody, sheet.places())
    assert len(chords) == sheet.n_frames
    assert sum(c.chord is not None for c in chords) > sheet.n_frames // 2
    assert chords == predictor.harmonise(sheet.melody, sheet.places())
    assert predictor.harmonise([], []) == []
    assert predictor.n_rows == 0 and MelodyState() == REST


def whole_song(up: int = 0) -> tuple[list[MelodyState], list[Place]]:
    """Eight bars in C, or higher."""
    scale = (60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 72, 67, 64, 67)
    quarters = [*scale, *scale[:8], 67, 65, 64, 62, 60, 60, 60, 60]
    melody = [MelodyState(p + up, i == 0) for p in quarters for i in range(4)]
    return melody, [Place(t // 16, t % 16, Meter(4, 4)) for t in range(len(melody))]


def test_a_song_begins_and_ends_in_its_key_and_every_seed_has_its_own() -> None:
    predictor = shipped()
    melody, places = whole_song()
    found = [predictor.harmonise(melody, places, seed) for seed in range(6)]
    assert found[1] == predictor.harmonise(melody, places, 1)
    assert any(found[0] != other for other in found[1:])
    for chords in found:
        sounding = [c.chord for c in chords if c.chord is not None]
        assert in_key(sounding[0], (0, False)) and in_key(sounding[-1], (0, False))


@pytest.mark.parametrize("up", [-5, 2, 7])
def test_a_song_in_another_key_gets_the_same_chords_transposed(up: int) -> None:
    predictor = shipped()
    here, there = predictor.harmonise(*whole_song(), 4), predictor.harmonise(*whole_song(up), 4)
    for a, b in zip(here, there, strict=True):
        assert a.onset == b.onset and (a.chord is None) == (b.chord is None)
        if a.chord is not None and b.chord is not None:
            assert ((a.chord.root + up) % 12, a.chord.quality) == (b.chord.root, b.chord.quality)


@pytest.mark.parametrize("values", [{"kind": "both"}, {"channels": 0}, {"heads": 3}, {"depth": 2}])
def test_bad_settings_of_a_network_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        NetConfig.from_dict(values)
