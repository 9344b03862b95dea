"""What came at like places of the past: found row by row as at once, never in the future, in
every key; and copied where the music comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from jam.music.rows import NO_CHORD, REST, Row, melody_class
from models.data.augment import shift_pitches
from models.data.batches import Shown, stack
from models.data.leadsheet import write_jsonl
from models.data.piece import Piece, piece_of
from models.data.situations import returning
from models.network import recall, vocab
from models.network.chords import turn_chords
from models.network.recall import Recall, features_of, find_all, line_of, line_of_row
from models.network.transformer import Net
from models.predictor import load_predictor
from models.training import add_recall
from models.training.run import recalling
from tests.support.model_parts import TINY, tiny_net, tune, write_tiny_weights

ALIKE, NEAR, FAR = range(3)


def coming_round(number: int, bars: int = 4, times: int = 5, meter: str = "4/4") -> Piece:
    piece = piece_of(tune(number, n_bars=bars + 1, meter=meter))
    frames = times * bars * int(piece.places[0, vocab.PLACE_FEATURES.index("bar_frames")])
    return returning(piece, bars, frames)


def shown(piece: Piece) -> Shown:
    before = np.concatenate([[0], piece.chord[:-1]])
    target = vocab.chord_targets(piece.chord, piece.chord_onset, before)
    return Shown(piece, piece.chord, piece.chord_onset, target, 0, 0)


def seen(piece: Piece) -> tuple[vocab.Ints, vocab.Ints]:
    return features_of(piece.pitch, piece.onset, piece.places, piece.chord, piece.chord_onset)


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8"])
def test_row_by_row_is_as_at_once(meter: str) -> None:
    piece = coming_round(1, meter=meter)
    whole = find_all(piece.pitch, piece.onset, piece.places)
    line, code = line_of(piece.pitch, piece.onset)
    chords = np.stack([piece.chord, piece.chord_onset], 1)
    _, copied = seen(piece)
    memory = Recall()
    for t in range(piece.n_frames):
        found = memory.find(t, piece.places[t : t + 1])
        for one, all_ in zip(found.arrays(), whole.arrays(), strict=True):
            assert np.array_equal(one[0], all_[t])
        before = int(piece.chord[t - 1]) if t else 0
        spots = memory.spots(tuple(piece.places[t].tolist()))
        assert np.array_equal(recall.copies_of(spots, chords, before), copied[t])
        of_spots = [[s.frame, s.turn, s.match, s.distance, *s.sang] for s in spots]
        parts = [found.frame.T, found.turn.T, *found.known[0, :, :2].T[:, :, None], found.sang[0]]
        assert np.array_equal(of_spots, np.concatenate(parts, 1))
        if t % 7 == 3:  # what was expected doesn't come
            end = min(t + 9, piece.n_frames)
            memory.extend(line[t:end] * 0, code[t:end] * 0, piece.places[t:end])
            memory.rewind(t)
        memory.extend(line[t : t + 1], code[t : t + 1], piece.places[t : t + 1])


def test_the_line_of_a_row_is_that_of_the_whole() -> None:
    piece = piece_of(tune(3))
    line, code = line_of(piece.pitch, piece.onset)
    ages = vocab.ages(piece.pitch, piece.onset, 1000)
    last = vocab.last_pitches(piece.pitch, piece.onset)
    for t in range(piece.n_frames):
        row = (int(a[t]) for a in (piece.pitch, piece.onset, ages, last))
        assert line_of_row(*row) == (line[t], code[t])


def test_nothing_is_seen_of_the_frame_itself_or_later() -> None:
    piece = coming_round(2)
    t = 150
    other = replace(piece, pitch=piece.pitch.copy(), chord=piece.chord.copy())
    other.pitch[t:], other.chord[t:] = 61, 17
    (here, copies), (there, others) = seen(piece), seen(other)
    assert np.array_equal(here[: t + 1], there[: t + 1])
    assert np.array_equal(copies[: t + 1], others[: t + 1])
    assert not np.array_equal(here[t + 1 :], there[t + 1 :])


def test_transposed_music_recalls_the_same_transposed() -> None:
    piece = coming_round(4)
    up = replace(piece, pitch=shift_pitches(piece.pitch, 5), chord=turn_chords(piece.chord, 5))
    (here, copies), (there, others) = seen(piece), seen(up)
    pitched = [list(vocab.RECALL_FEATURES).index(n) for n in ("chord", *vocab.NOTES)]
    assert np.array_equal(np.delete(here, pitched, -1), np.delete(there, pitched, -1))
    assert np.array_equal(turn_chords(here[..., 0], 5), there[..., 0])
    (copies, cases), (others, other_cases) = np.moveaxis(copies, -1, 0), np.moveaxis(others, -1, 0)
    struck = copies > 1
    assert np.array_equal(copies[~struck], others[~struck]) and np.array_equal(cases, other_cases)
    assert np.array_equal(turn_chords(copies[struck] - 1, 5), others[struck] - 1)


def test_a_phrase_that_comes_back_in_another_key_is_found_there() -> None:
    piece = coming_round(5, times=2)
    half = piece.n_frames // 2
    pitch, chord = piece.pitch.copy(), piece.chord.copy()
    pitch[half:] = shift_pitches(pitch[half:], 3)
    chord[half:] = turn_chords(chord[half:], 3)
    found = find_all(pitch, piece.onset, piece.places)
    late = np.arange(half + 32, 2 * half)
    assert (found.turn[late, ALIKE] == 3).mean() > 0.9
    there, _, _ = recall.recalled(found, chord, piece.chord_onset, chord)
    assert (there[late, ALIKE] == chord[late]).mean() > 0.9


def test_copies_of_what_comes_round_are_right() -> None:
    piece = coming_round(6, bars=8, times=4)
    target = shown(piece).target
    _, copies = seen(piece)
    again = slice(16 * 9, piece.n_frames)  # a bar after it came back
    for place in (ALIKE, NEAR):
        assert (copies[again, place, 0] == target[again]).all()


def test_a_network_that_has_not_learned_to_recall_says_what_it_said() -> None:
    net = tiny_net()
    batch = stack([shown(coming_round(7))], 320)
    with torch.no_grad():
        before = net.chord_logits(net.hidden(batch.features)).softmax(-1)
        taught = recalling(net)
        after = taught.chord_logits(taught.hidden(batch.features), batch.features["copies"]).exp()
    assert torch.allclose(after.sum(-1), torch.ones(1, 320), atol=1e-5)
    assert float((after - before).abs().max()) < 0.1


def test_who_copies_gives_what_came_then() -> None:
    torch.manual_seed(0)
    net = Net(replace(TINY, recall=True, copies=True)).eval()
    with torch.no_grad():
        net.copying.bias.copy_(torch.tensor([-9.0, 9.0, -9.0, -9.0]))
        batch = stack([shown(coming_round(8))], 320)
        copies = batch.features["copies"]
        logits = net.chord_logits(net.hidden(batch.features), copies)
    copied = copies[..., 0]
    has = copied[..., ALIKE] >= 0
    assert has.any() and not has.all()
    assert torch.equal(logits.argmax(-1)[has], copied[..., ALIKE][has])


def test_copies_are_trusted_as_far_as_they_are_right() -> None:
    """What comes round exactly is copied; what doesn't is left to the network."""
    corpus = [coming_round(i) for i in range(15)] + [piece_of(tune(i)) for i in range(15, 30)]
    trust = recalling(tiny_net(), corpus).copying.case.sigmoid()[ALIKE]
    by_case = trust.view(vocab.N_MATCHES, vocab.N_EVENTS, 2)
    best, poor, struck_in_step, fitted = 36, 7, 4, 1
    assert float(by_case[best, struck_in_step, fitted].detach()) > 0.7
    assert float(by_case[poor].max().detach()) < 0.2


def test_a_trained_network_is_given_a_recall(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path / "before")
    songs = tmp_path / "songs.jsonl"
    write_jsonl(songs, [tune(i, split="train") for i in range(4)])
    out = tmp_path / "after"
    add_recall.main(
        ["--data", str(songs), "--weights", str(tmp_path / "before"), "--out", str(out)]
    )
    predictor, before = load_predictor(out), load_predictor(tmp_path / "before")
    sheet = tune(9, n_bars=2)
    for row, place in zip(sheet.rows(), sheet.places(), strict=True):
        now, then = (p.chord_logits(place).astype(float) for p in (predictor, before))
        shares = [np.exp(a - a.max()) / np.exp(a - a.max()).sum() for a in (now, then)]
        assert np.abs(shares[0] - shares[1]).max() < 0.1
        for p in (predictor, before):
            p.extend([row], [place])


def test_a_form_that_is_known_is_where_the_music_came_from() -> None:
    """Of a form of 12 bars the chorus before is looked up, by both ways, and 16 back is not."""
    piece = coming_round(2, bars=12, times=3)
    line, code = line_of(piece.pitch, piece.onset)
    memory = Recall()
    memory.extend(line[:-1], code[:-1], piece.places[:-1])
    there, t = piece.places[-1:], piece.n_frames - 1
    assert memory.find(t, there).frame[0, FAR] == t - 16 * 16
    memory.form(12)
    assert memory.find(t, there).frame[0, FAR] == t - 12 * 16
    assert memory.spots(tuple(there[0].tolist()))[FAR].frame == t - 12 * 16
    memory.form(None)
    assert memory.find(t, there).frame[0, FAR] == t - 16 * 16


@pytest.mark.parametrize("up", [0, 3])
def test_a_melody_that_comes_again_is_expected_to_go_on_as_it_did(tmp_path: Path, up: int) -> None:
    """In its key or another one, note by note; where there is nothing like it nothing changes."""
    write_tiny_weights(tmp_path, recall=True)
    trusting, plain = load_predictor(tmp_path), load_predictor(tmp_path)
    trusting._rules = replace(trusting._rules, trust_in_melody=(0.0, 0.0, 0.0, 0.0, 0.0, 0.9))
    sheet = tune(11, n_bars=4)
    again = [replace(m, pitch=m.pitch and m.pitch + up) for m in sheet.melody]
    melody = [*sheet.melody, *again]
    places = tune(11, n_bars=8).places()
    seen = 0
    for t, place in enumerate(places):
        found, alone = (p.melody_logits(place, NO_CHORD) for p in (trusting, plain))
        before = melody[t - 1] if t else REST
        class_ = melody_class(melody[t], before)
        if t <= 64:
            assert np.array_equal(found, alone)
        elif not np.array_equal(found, alone):
            seen += 1
            shares = np.exp(found - np.logaddexp.reduce(found))
            assert shares[class_] >= 0.9 - 1e-4
        for predictor in (trusting, plain):
            predictor.extend([Row(melody[t])], [place])
    assert seen > 24
    # Rolled back, it says the same.
    trusting.rewind(100)
    plain._rules = trusting._rules
    plain.rewind(0)
    plain.extend([Row(m) for m in melody[:50]], places[:50])
    plain.extend([Row(m) for m in melody[50:100]], places[50:100])
    one, other = (p.melody_logits(places[100], NO_CHORD) for p in (trusting, plain))
    assert np.array_equal(one, other)
