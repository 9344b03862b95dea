"""The infilling network: what it is shown, the same with numpy as with torch, and what it draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from jam.agent.rewriting import A_LITTLE, Filling, Gap, Rewriter
from jam.music.chord import Chord
from jam.music.key import in_key
from jam.music.rows import REST, ChordState, MelodyState
from models.data.augment import shift_pitches
from models.data.masks import gap_batch, stacked
from models.data.piece import Piece, piece_of, pieces
from models.decoding.decoder import normed
from models.decoding.infiller import Infiller as Decoder
from models.decoding.infiller import InfillingRewriter, load_infiller
from models.decoding.reharmoniser import Music
from models.evaluation.gaps import offline_likelihoods
from models.network import gaps, vocab
from models.network.chords import turn_chords
from models.network.config import CONFIGS, NetConfig, parameter_shapes
from models.network.gaps import Gaps
from models.network.infilling import Infiller
from models.rewriter import reharmoniser
from models.training import infilling
from tests.models.test_training import data as data
from tests.models.test_training import lines, options
from tests.support.model_parts import tune

TINY = NetConfig("infilling", channels=4, invariant=8, heads=4, layers=2, ffn=2, context=48)


def tiny() -> Infiller:
    torch.manual_seed(0)
    return Infiller(TINY).eval()


def decoder(net: Infiller) -> Decoder:
    return Decoder(net.config, {k: v.detach().numpy() for k, v in net.named_parameters()})


def some_gaps(piece: Piece, seed: int = 0) -> Gaps:
    rng = np.random.default_rng(seed)
    n = piece.n_frames
    span = np.zeros(n, bool)
    span[16:64] = True
    return Gaps(
        piece.pitch,
        piece.onset,
        piece.chord,
        piece.chord_onset,
        piece.places,
        rng.random(n) < 0.3,
        span & (rng.random(n) < 0.7),
        span,
        np.array(64),
        2,
        1,
    )


def test_parameters_are_those_that_are_listed() -> None:
    for config in (TINY, CONFIGS["infilling"]["small"], replace(TINY, tied=False)):
        found = {name: tuple(p.shape) for name, p in Infiller(config).named_parameters()}
        assert found == parameter_shapes(config)


def test_classes_and_back() -> None:
    chord = np.arange(gaps.N_CHORD_STATES)
    assert (gaps.chord_classes(*gaps.chords_of(chord)) == chord).all()
    pitch = np.repeat(np.arange(40, 95), 2)
    onset = np.tile([0, 1], 55)
    classes = gaps.melody_classes(pitch, onset, 66)
    assert (np.stack(gaps.melody_of(classes, 66)) == (pitch, onset)).all()
    assert classes.max() < gaps.N_MELODY_STATES


def test_numpy_gives_the_logits_of_torch() -> None:
    net, shown = tiny(), some_gaps(piece_of(tune(1)))
    batch = stacked([shown], len(shown.pitch))
    with torch.no_grad():
        chord, melody = net(batch.features)
    one = replace(
        shown,
        **{
            name: np.asarray(getattr(shown, name))[None]
            for name in ("pitch", "onset", "chord", "chord_onset", "places", "melody_open")
        },
        chord_open=shown.chord_open[None],
        chord_span=shown.chord_span[None],
        around=shown.around[None],
    )
    found = decoder(net)
    reading = found.read(one)
    assert np.allclose(found.chord_out(normed(reading.out[0])), chord[0], atol=1e-4)
    assert np.allclose(found.melody_out(normed(reading.out[0])), melody[0], atol=1e-4)
    rows = np.arange(16, 64)
    assert np.allclose(found.again(reading, one, rows)[0], reading.out[0, rows], atol=1e-4)


def test_transposed_music_gives_transposed_logits() -> None:
    net, shown = tiny(), some_gaps(piece_of(tune(2)))
    up = replace(
        shown,
        pitch=shift_pitches(shown.pitch, 5),
        chord=turn_chords(shown.chord, 5),
        around=shown.around + 5,
    )
    with torch.no_grad():
        (chord, melody), (chord_up, melody_up) = (
            net(stacked([each], len(each.pitch)).features) for each in (shown, up)
        )
    for here, there, n in (
        (chord, chord_up, 2 * vocab.N_QUALITIES),
        (melody, melody_up, 2 * vocab.N_OCTAVES),
    ):
        assert torch.allclose(here[..., 0], there[..., 0], atol=1e-4)
        turned = here[..., 1:].unflatten(-1, (12, n)).roll(5, -2).flatten(-2)
        assert torch.allclose(turned, there[..., 1:], atol=1e-4)


def test_what_is_open_is_not_seen() -> None:
    shown = some_gaps(piece_of(tune(3)))
    other = replace(
        shown,
        pitch=np.where(shown.melody_open, 60, shown.pitch),
        chord=np.where(shown.chord_open, 5, shown.chord),
    )
    # The onset flag of what is open isn't either.
    other = replace(other, onset=np.where(shown.melody_open, 1, shown.onset))
    here, there = gaps.features(shown), gaps.features(other)
    assert all((here[name] == there[name]).all() for name in here)


def test_gaps_are_functions_of_seed_and_step_and_within_their_tables(data: Path) -> None:
    corpus = pieces([data], "train")
    for step in range(12):
        batch, again = (gap_batch(corpus, step, seed=1, frames=512, augment=True) for _ in range(2))
        for name, values in batch.features.items():
            assert (values == again.features[name]).all()
            n_values = vocab.n_values(name.rpartition(".")[2])
            assert int(values.min()) >= 0 and int(values.max()) < n_values, name
        for weight in (batch.chord_weight, batch.melody_weight):
            total = weight.sum(1)
            assert ((total - 1).abs().lt(1e-4) | total.eq(0)).all()


def test_training_writes_weights_that_fill_gaps(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIGS["infilling"], "small", TINY)
    out = tmp_path / "run"
    infilling.main(options(data, out, 4, "--stop-after", "2"))
    infilling.main(options(data, out, 4))
    assert [line["step"] for line in lines(out)] == [2, 4]
    assert InfillingRewriter(load_infiller(out)).fill(gap_of_tune(), 1, 0)


def gap_of_tune(bars: range = range(2, 4), part: str = "both") -> Gap:
    sheet = tune(4)
    frames = range(bars.start * 16, bars.stop * 16)
    opened = tuple(frame in frames for frame in range(sheet.n_frames))
    nothing = (False,) * sheet.n_frames
    melody = np.array(vocab.melody_arrays(sheet.melody))
    starts = np.flatnonzero(melody[1])
    ends = np.append(starts[1:], sheet.n_frames)
    kept = {
        f
        for a, b in zip(starts, ends, strict=True)
        if not (a in frames and b - 1 in frames)
        for f in range(a, b)
    }
    return Gap(
        tuple(sheet.melody),
        tuple(sheet.chords),
        tuple(sheet.places()),
        nothing if part == "chords" else tuple(o and f not in kept for f, o in enumerate(opened)),
        nothing if part == "melody" else opened,
    )


@pytest.fixture(scope="module")
def rewriter() -> Rewriter:
    return models.load_rewriter()


def is_whole(filling: Filling, gap: Gap) -> None:
    """Outside of the gap nothing has changed, but that a chord is named again; within it every
    state follows from the one before."""
    before_chord, before_note = ChordState(), REST
    for t, (note, chord) in enumerate(zip(filling.melody, filling.chords, strict=True)):
        if not gap.melody_open[t]:
            assert note == gap.melody[t]
        if not gap.chord_open[t]:
            assert chord.chord == gap.chords[t].chord
            assert chord.onset or not gap.chords[t].onset
        if chord.chord != before_chord.chord and chord.chord is not None:
            assert chord.onset
        if note.pitch != before_note.pitch and note.pitch is not None:
            assert note.onset
        before_chord, before_note = chord, note


@pytest.mark.parametrize("part", ["chords", "melody", "both"])
def test_the_shipped_network_fills_gaps(rewriter: Rewriter, part: str) -> None:
    gap = gap_of_tune(part=part)
    told: list[tuple[int, int]] = []
    found = rewriter.fill(gap, 3, 5, lambda done, total: told.append((done, total)))
    assert found == rewriter.fill(gap, 3, 5)
    assert len(found) == 3 and told
    assert [f.likelihood for f in found] == sorted((f.likelihood for f in found), reverse=True)
    for filling in found:
        is_whole(filling, gap)


def test_a_little_changes_less_than_the_whole(rewriter: Rewriter) -> None:
    gap = gap_of_tune(range(1, 5))

    def changed(share: float) -> int:
        fillings = rewriter.fill(replace(gap, share=share, temperature=1.5), 3, 1)
        return sum(
            a != b
            for filling in fillings
            for a, b in zip(filling.melody + filling.chords, gap.melody + gap.chords, strict=True)
        )

    assert 0 < changed(A_LITTLE) < changed(1.0)


@pytest.mark.parametrize("part", ["chords", "both"])
def test_key_and_palette_are_kept_to(rewriter: Rewriter, part: str) -> None:
    key = (2, False)
    gap = gap_of_tune(range(2, 6), part)
    allowed = frozenset(Chord(root, "maj") for root in (2, 7, 9))
    gap = replace(gap, allowed=allowed, scale=key, temperature=2.0)
    for filling in rewriter.fill(gap, 2, 3):
        for t in range(len(gap.places)):
            chord, note = filling.chords[t].chord, filling.melody[t]
            if gap.chord_open[t] and chord is not None:
                assert chord in allowed and in_key(chord, key)
            if gap.melody_open[t] and note != MelodyState() and note.pitch is not None:
                assert (note.pitch - 2) % 12 in (0, 2, 4, 5, 7, 9, 11)


def test_a_gap_of_nothing_has_no_fillings(rewriter: Rewriter) -> None:
    gap = gap_of_tune()
    shut = (False,) * len(gap.places)
    assert rewriter.fill(replace(gap, melody_open=shut, chord_open=shut), 2, 0) == []


def test_ways_through_a_gap_are_as_likely_as_the_offline_network_says() -> None:
    """Read at once and branched, or one position after another: the same."""
    filler, piece = reharmoniser(), piece_of(tune(4))
    music = Music(piece.pitch, piece.onset, piece.chord, piece.chord_onset, piece.places)
    opened = np.zeros((2, piece.n_frames), bool)
    opened[:, 32:64] = True

    def true(_: object, before: vocab.Ints, t: int) -> vocab.Ints:
        state = np.full(2, piece.chord[t]), np.full(2, piece.chord_onset[t])
        return vocab.chord_targets(*state, before)

    ways = filler.ways(music, opened, true)
    there = slice(ways.first, ways.first + ways.chord.shape[1])
    assert ways.first == 32 and there.stop > 64
    assert (ways.chord == piece.chord[there]).all()
    expected = offline_likelihoods(filler.net, piece)[there]
    assert np.allclose(ways.log_probability, expected, atol=1e-3)


def test_chords_lead_to_those_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The more ways are drawn, the likelier is what stays after the one that is chosen."""
    filler, gap = reharmoniser(), gap_of_tune(range(3, 4), "chords")
    after = {}
    for ways in (1, 24):
        monkeypatch.setattr("models.decoding.reharmoniser.WAYS", ways)
        found = filler.fill(gap, 4, 1)
        sheets = [replace(tune(4), chords=filling.chords) for filling in found]
        told = [offline_likelihoods(filler.net, piece_of(sheet)) for sheet in sheets]
        after[ways] = sum(float(each[64:96].sum()) for each in told)
    assert after[24] > after[1]
