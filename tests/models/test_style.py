"""The style that is heard where none is set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.predictor import Predictor
from jam.errors import BadInput
from jam.music.grid import Meter, TempoMap
from jam.music.rows import MelodyState, Row
from jam.settings import STYLES, JamSettings
from models.data.leadsheet import write_jsonl
from models.network.style import (
    MIXTURES,
    N_COUNTS,
    PARTS,
    load_listener,
    nearest_mixture,
    with_mixtures,
)
from models.network.weights import write_arrays
from models.predictor import folder_of, load_predictor
from models.training import style
from tests.support.model_parts import tune

TEMPO_MAP = TempoMap.constant(100, Meter(4, 4))


@given(st.lists(st.floats(0.01, 1), min_size=len(STYLES), max_size=len(STYLES)))
def test_a_mixture_is_near_to_the_shares(weights: list[float]) -> None:
    shares = np.array(weights, np.float32) / np.float32(sum(weights))
    parts = np.array(MIXTURES[nearest_mixture(shares)])
    assert parts.sum() == PARTS
    assert (np.abs(parts / PARTS - shares) < 1 / PARTS + 1e-6).all()


def test_a_style_alone_is_the_condition_it_was() -> None:
    rows = np.random.default_rng(0).random((len(STYLES), 5)).astype(np.float32)
    mixed = with_mixtures(rows)
    assert mixed.shape == (len(MIXTURES), 5)
    assert np.array_equal(mixed[: len(STYLES)], rows)
    assert [nearest_mixture(one) for one in np.eye(len(STYLES), dtype=np.float32)] == [0, 1, 2, 3]


def play(predictor: Predictor, first: int, end: int) -> None:
    for frame in range(first, end):
        note = MelodyState(60 + frame * 5 % 12, frame % 2 == 0)
        predictor.extend([Row(note)], [TEMPO_MAP.place(frame)])


def test_a_style_is_heard_unless_it_is_set() -> None:
    logits = {}
    for setting in ("any", "jazz"):
        for listener in (load_listener(folder_of(None)), None):
            predictor = load_predictor()
            predictor._listener = listener
            predictor.reset(JamSettings(style=setting))
            play(predictor, 0, 40)
            logits[setting, listener is None] = predictor.chord_logits(TEMPO_MAP.place(40))
    assert np.array_equal(logits["jazz", True], logits["jazz", False])
    assert not np.array_equal(logits["any", True], logits["any", False])


def test_what_is_heard_is_forgotten_with_its_rows() -> None:
    straight, rewound = load_predictor(), load_predictor()
    play(straight, 0, 50)
    play(rewound, 0, 20)
    for frame in range(20, 40):
        rewound.extend([Row(MelodyState(72, True))], [TEMPO_MAP.place(frame)])
    rewound.rewind(20)
    play(rewound, 20, 50)
    place = TEMPO_MAP.place(50)
    assert np.array_equal(straight.chord_logits(place), rewound.chord_logits(place))


def test_the_command_writes_what_can_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheets = [tune(i, n_bars=12, split=split) for i in range(3) for split in ("train", "valid")]
    write_jsonl(tmp_path / "tunes.jsonl", sheets)
    style.main(["--data", str(tmp_path / "tunes.jsonl"), "--out", str(tmp_path)])
    assert "after 16 bars" in capsys.readouterr().out
    listener = load_listener(tmp_path)
    assert listener is not None
    assert listener.shares(np.zeros(N_COUNTS, np.float32)).sum() == pytest.approx(1)
    assert load_listener(tmp_path / "nowhere") is None
    write_arrays(tmp_path / "style.safetensors", {"weight": np.zeros((3, 4)), "bias": np.zeros(4)})
    with pytest.raises(BadInput, match="shape"):
        load_listener(tmp_path)
