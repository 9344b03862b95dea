"""The network's files: settings in JSON, numbers in safetensors."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import save

from jam.agent.anticipation import Anticipator
from jam.music.grid import Meter, TempoMap
from jam.music.rows import MelodyState
from jam.performance.conductor import Conductor
from jam.settings import JamSettings
from models import load_predictor
from models.network.config import NetConfig, parameter_shapes
from tools.fuzzing.mutate import mutate_tree
from tools.fuzzing.reader import Reader, as_file

_ONLINE = NetConfig(channels=2, invariant=4, heads=2, layers=1, ffn=1, context=48)
_OFFLINE = NetConfig("offline", 2, 4, 2, 1, 1, 1, 48)

_SETTINGS = JamSettings(listen_bars=0, lookahead_beats=1, commit_beats=1, foresight_beats=4)


@cache
def _numbers(config: NetConfig) -> bytes:
    dice = np.random.default_rng(0)
    return save(
        {
            name: dice.normal(0, 0.3, shape).astype(np.float32)
            for name, shape in parameter_shapes(config).items()
        }
    )


def _settings(config: NetConfig) -> bytes:
    return json.dumps(
        {
            "network": config.to_dict(),
            "training": {"steps": 1},
            "decoding": {"hold_bias": [0.5, 0, 0, -1], "min_share": 0.1, "temperature": 1.0},
        }
    ).encode()


def _read(changed: str, data: bytes) -> None:
    """A folder of weights with one file changed: loaded, a bar planned, a bar harmonised."""
    files = {
        "online.json": _settings(_ONLINE),
        "online.safetensors": _numbers(_ONLINE),
        "offline.json": _settings(_OFFLINE),
        "offline.safetensors": _numbers(_OFFLINE),
        changed: data,
    }
    with as_file(b"", "here") as path:
        for name, content in files.items():
            path.with_name(name).write_bytes(content)
        predictor = load_predictor(path.parent)
    conductor = Conductor(_SETTINGS, 0.0)
    agent = Anticipator(predictor)
    for frame in range(0, 8, 2):
        now_s = conductor.tempo_map.seconds_at(frame + 0.5)
        if conductor.advance(now_s):
            plan = agent.plan(conductor.request())
            assert all(0.0 <= share <= 1.0 for share in plan.confidence), "a share that is none"
            conductor.take(plan, now_s)
    tempo_map = TempoMap.constant(100.0, Meter())
    places = [tempo_map.place(frame) for frame in range(16)]
    predictor.harmonise(
        [MelodyState(60 + frame // 4, frame % 4 == 0) for frame in range(16)], places
    )


def _settings_seeds() -> list[bytes]:
    return [
        _settings(_ONLINE),
        json.dumps({"network": _ONLINE.to_dict()}).encode(),
        json.dumps({"network": _ONLINE.to_dict(), "training": {"pieces": [1]}}).encode(),
    ]


def _change_settings(rng: Random, data: bytes) -> bytes:
    values = json.loads(data)
    branch = rng.choice([values, values["network"], values.get("decoding", values)])
    mutate_tree(rng, branch)
    return json.dumps(values).encode("utf-8", "surrogatepass")


def _change_header(rng: Random, data: bytes) -> bytes:
    """The header is changed with its length right, or numbers become others."""
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    numbers = data[8 + length :]
    match rng.randrange(4):
        case 0:
            at = rng.randrange(len(numbers) // 4) * 4
            value = rng.choice((np.nan, np.inf, -np.inf, 3e38, -3e38, 1e9, 9999.0, 1e-45))
            return data[: 8 + length + at] + np.float32(value).tobytes() + numbers[at + 4 :]
        case 1:
            entry = header[rng.choice(list(header))]
            entry[rng.choice(list(entry))] = rng.choice(_ENTRIES)
        case 2:
            entry = header[rng.choice(list(header))]
            entry["dtype"] = rng.choice(_KINDS)
        case _:
            mutate_tree(rng, header)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + numbers


_KINDS = ("F64", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F4", "C64", "X", "", 3)
_ENTRIES: tuple[Any, ...] = (
    [0, 4],
    [4, 0],
    [0, 2**63],
    [0, 2**64],
    [-4, 0],
    [0],
    [],
    [2**32, 2**32],
    [0] * 70,
    [1] * 70,
    [2**40, 2**40],
    {},
    None,
    "F32",
    [0.5, 1],
)

READERS = (
    Reader(
        "weights-settings",
        ".json",
        _settings_seeds,
        lambda data: _read("online.json", data),
        mutate=_change_settings,
        seconds=3.0,
        examples=100,
        tokens=(b"NaN", b"Infinity", b"1e999", b"[" * 3000, b'"kind": "offline"', b"true"),
    ),
    Reader(
        "weights",
        ".safetensors",
        lambda: [_numbers(_ONLINE)],
        lambda data: _read("online.safetensors", data),
        mutate=_change_header,
        seconds=3.0,
        examples=100,
        tokens=(b'"dtype":"F64"', b'"shape":[0]', b'"data_offsets":[0,0]', b"__metadata__"),
    ),
    Reader(
        "weights-offline",
        ".safetensors",
        lambda: [_numbers(_OFFLINE)],
        lambda data: _read("offline.safetensors", data),
        mutate=_change_header,
        seconds=3.0,
        examples=100,
    ),
)
