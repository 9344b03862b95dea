"""The left hand leads, end to end: JACK, a player in another process, `jam play`, a recorder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jam.audio.synth import CHANNELS
from tests.support.live_jam import run_jam
from tools.support.jack import jack_server

F_SHARP = (42, 46, 49)


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def test_a_chord_of_the_left_hand_sounds_at_the_port_and_the_melody_doesnt_hear_it(
    jack: dict[str, str], tmp_path: Path
) -> None:
    keys = [(7.0 + i / 100, [0x90, pitch, 80]) for i, pitch in enumerate(F_SHARP)]
    keys += [(9.0 + i / 100, [0x80, pitch, 0]) for i, pitch in enumerate(F_SHARP)]
    options = ["--bpm", "120", "--no-metronome", "--style", "held", "--listen", "1"]
    jam = run_jam(
        jack, tmp_path, 13.0, [*options, "--left-hand", "held", "--split", "C4"], also=keys
    )
    assert jam.status == 0, jam.output
    struck_s = [e["at_s"] for e in jam.of("played") if e["velocity"] and e["pitch"] in F_SHARP]
    released_s = [
        e["at_s"] for e in jam.of("played") if not e["velocity"] and e["pitch"] in F_SHARP
    ]
    assert len(struck_s) == len(released_s) == 3
    bass = [n for n in jam.sounded("bass") if n["velocity"]]
    led = [n for n in bass if n["pitch"] % 12 == 6]
    assert led and max(struck_s) < led[0]["sent_s"]
    # What the band strikes while the chord is held is that chord, once it is taken over.
    during = [
        n
        for n in jam.sounded()
        if n["velocity"] and led[0]["sent_s"] <= n["sent_s"] < min(released_s)
    ]
    assert during and {n["pitch"] % 12 for n in during} <= {6, 10, 1}
    assert any(pitch % 12 == 6 for _, pitch, on in jam.recording.notes(CHANNELS["bass"]) if on)
    rows = jam.of("row")
    assert {row["melody"] for row in rows}.isdisjoint(F_SHARP)
    struck = [row["frame"] for row in rows if row["chord"] not in ("", "-")]
    first = next(row["frame"] for row in rows if row["chord"].startswith("F#"))
    after = [frame for frame in struck if frame > first]
    assert not after or after[0] >= first + 12  # it is held for two seconds
    # It lets go, and every note has ended.
    for part in ("bass", "chords"):
        sounding: set[int] = set()
        for _, pitch, on in jam.recording.notes(CHANNELS[part]):
            assert (pitch in sounding) != bool(on)
            sounding.symmetric_difference_update({pitch})
        assert not sounding
