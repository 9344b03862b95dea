"""Weights in files: safetensors for numbers, JSON for everything else. Nothing is unpickled."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from jam.errors import BadInput
from jam.files import check_file, read_limited, whole
from jam.limits import CHECKPOINT_BYTES, WEIGHT_SIZE, WEIGHTS_SETTINGS_BYTES

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: Path, arrays: Arrays, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file: whole or not at all, also when killed meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with whole(path) as unfinished:
        save_file(contiguous, unfinished, metadata)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())


def read_arrays(path: Path, most_bytes: int = CHECKPOINT_BYTES) -> tuple[Arrays, dict[str, str]]:
    """Arrays and metadata of a safetensors file. Raises BadInput for anything else."""
    check_file(path, most_bytes)
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        fault = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{path}: not a safetensors file of weights ({fault})") from None


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises BadInput."""
    data = read_limited(path, WEIGHTS_SETTINGS_BYTES)
    try:
        values = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: not a JSON object")
    return values


def check_shapes(path: Path, arrays: Arrays, expected: dict[str, tuple[int, ...]]) -> None:
    """Raises BadInput where names, shapes or numbers are not those expected."""
    if missing := sorted(set(expected) - set(arrays)):
        raise BadInput(f"{path}: no weights {missing[0]!r} ({len(missing)} missing)")
    if unknown := sorted(set(arrays) - set(expected)):
        raise BadInput(f"{path}: unknown weights {unknown[0]!r} ({len(unknown)} in all)")
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise BadInput(f"{path}: {name} has shape {arrays[name].shape}, expected {shape}")
        # NaN is not below the limit either.
        if arrays[name].dtype.kind != "f" or not (np.abs(arrays[name]) <= WEIGHT_SIZE).all():
            raise BadInput(f"{path}: {name} holds something other than numbers of a network")
