"""Weights that are missing, broken or hostile are refused with one line; nothing is executed."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jam.errors import BadInput
from models import load_predictor
from models.network import weights
from tests.support.model_parts import write_tiny_weights


class Attack:
    """Unpickling this writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.target),)


def edit(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_predictor(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    for word in words:
        assert word in message


def test_missing_weights(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "online.json")
    write_tiny_weights(tmp_path)
    (tmp_path / "offline.safetensors").unlink()
    refused(tmp_path, "offline.safetensors")


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\xff" * 64, b"{}", b"\x02\0\0\0\0\0\0\0{}"])
def test_broken_weights(tmp_path: Path, content: bytes) -> None:
    write_tiny_weights(tmp_path)
    (tmp_path / "online.safetensors").write_bytes(content)
    refused(tmp_path, "online.safetensors")


def test_cut_off_weights(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    whole = (tmp_path / "online.safetensors").read_bytes()
    (tmp_path / "online.safetensors").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path, "online.safetensors")


def test_weights_of_another_shape(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    edit(tmp_path / "online.json", lambda v: v["network"].update(channels=8))  # type: ignore[attr-defined]
    refused(tmp_path, "shape")
    edit(tmp_path / "online.json", lambda v: v["network"].update(channels=4, layers=1))  # type: ignore[attr-defined]
    refused(tmp_path, "unknown weights")


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    path = tmp_path / "online.safetensors"
    arrays, _ = weights.read_arrays(path)
    arrays["norm.pitch_gain"] = np.full_like(arrays["norm.pitch_gain"], np.nan)
    weights.write_arrays(path, arrays)
    refused(tmp_path, "norm.pitch_gain")


def test_unknown_keys(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    path = tmp_path / "online.json"
    whole = path.read_text()
    edit(path, lambda v: v.update(extra=1))
    refused(tmp_path, "online.json", "extra")
    path.write_text(whole)
    edit(path, lambda v: v["network"].update(run="rm"))  # type: ignore[attr-defined]
    refused(tmp_path, "online.json", "run")
    path.write_text(whole)
    edit(path, lambda v: v.update(decoding={"hold_bias": "much"}))
    refused(tmp_path, "online.json", "decoding")
    for trust in ([0.5] * 5, [1.0] * 6, ["x"] * 6):
        path.write_text(whole)
        edit(path, lambda v, t=trust: v.update(decoding={"trust_in_melody": t}))  # type: ignore[misc]
        refused(tmp_path, "online.json", "decoding")
    path.write_text("[" * 100_000)
    refused(tmp_path, "online.json")


def test_a_pickle_is_not_unpickled(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    target = tmp_path / "pwned"
    (tmp_path / "online.safetensors").write_bytes(pickle.dumps(Attack(target)))
    refused(tmp_path, "online.safetensors")
    assert not target.exists()


def test_checkpoints_are_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "weights.safetensors"
    weights.write_arrays(path, {"a": np.arange(3.0)}, {"state": "{}"})
    arrays, metadata = weights.read_arrays(path)
    assert arrays["a"].tolist() == [0, 1, 2] and metadata == {"state": "{}"}
    assert [p.name for p in path.parent.iterdir()] == ["weights.safetensors"]


def test_playing_does_not_import_torch(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    code = (
        "import sys, models; p = models.load_predictor(sys.argv[1]);"
        "assert 'torch' not in sys.modules and 'PyQt6' not in sys.modules; print(p.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "neural"
