"""Keyboards of one name, an instrument that goes with notes sounding, no SoundFont: in mid-jam.

One keyboard that is unplugged: tests/live/test_jam.py. Outputs that change, and JACK that dies:
tests/live/test_devices.py.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jam.files import soundfont_path
from jam.messages.commands import ChangeSettings, DeviceChoice, SelectDevices
from jam.midi.ports import matching
from tests.support.jam_player import SETTINGS, Player, check_ends, player_in
from tools.support.jack import JackServer, left_on, midi_listener


@contextmanager
def keyboard(name: str) -> Iterator[subprocess.Popen[str]]:
    """A MIDI keyboard that is plugged in while the block runs; a line "60 100" plays a key."""
    code = (
        "import rtmidi, sys\n"
        f"port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name={name!r})\n"
        "port.open_virtual_port('keys')\n"
        "print('plugged in', flush=True)\n"
        "for line in sys.stdin: port.send_message([0x90, *map(int, line.split())])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "plugged in\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def press(keys: subprocess.Popen[str], pitch: int) -> None:
    assert keys.stdin is not None
    keys.stdin.write(f"{pitch} 90\n")
    keys.stdin.flush()


def held(player: Player) -> set[int]:
    """What is held on MIDI keyboards: the tune of the computer's keys is above."""
    return {n.pitch for n in player.snapshot.played if n.end_s is None and n.pitch < 50}


def test_two_keyboards_of_one_name_and_one_is_unplugged(server: JackServer) -> None:
    choice = DeviceChoice("none", midi_inputs=("Twin",), midi_api="jack", midi_required=False)
    with player_in(choice) as player, keyboard("Twin") as one:

        def twins() -> int:
            return sum("Twin" in port for port in player.devices.midi_inputs)

        with keyboard("Twin") as other:
            player.play_until(lambda: twins() == 2, "both keyboards")
            press(one, 40)
            press(other, 43)
            player.play_until(lambda: held(player) == {40, 43}, "a key of each")
            other.kill()
            player.play_until(lambda: held(player) == {40}, "only the other's key to be let go")
            player.play_until_told("is gone; it is opened again when it comes back.")
        assert twins() == 1
        press(one, 45)
        player.play_until(lambda: held(player) == {40, 45}, "the one that stayed")
        with keyboard("Twin") as other:
            player.play_until_told("is back.")
            press(other, 47)
            player.play_until(lambda: held(player) == {40, 45, 47}, "the one that came back")
            player.play_on()
    check_ends(player.logs)


def test_an_instrument_is_unplugged_while_it_sounds(server: JackServer) -> None:
    choice = DeviceChoice("none", midi_outputs=("Harp",), midi_api="jack", midi_required=False)
    with player_in(choice) as player:
        with midi_listener("Harp"):
            player.play_until(lambda: len(player.devices.midi_outputs) == 2, "the harp")
            player.play_on(10)
        player.play_until_told("is gone; it is opened again when it comes back.")
        player.play_on()  # it goes on without
        with midi_listener("Harp") as harp:
            player.play_until_told("is back.")
            player.play_on(10)
            player.engine.close()
            n_notes, stuck = left_on(harp)
            assert n_notes > 4 and not stuck
    check_ends(player.logs)


def test_a_keyboard_has_another_number_when_it_is_plugged_in_again() -> None:
    """ALSA counts clients: what was chosen from the list is found by the rest of its name."""
    there = ["Midi Through:Midi Through Port-0 14:0", "Grand:Grand MIDI 1 24:0", "Nano:Keys 28:0"]
    assert matching(("Grand:Grand MIDI 1 20:0",), there) == ["Grand:Grand MIDI 1 24:0"]
    assert matching(("Grand:Grand MIDI 1 24:0", "nano"), there) == there[1:]
    assert matching(("Grand:Grand MIDI 2 20:0",), there) == []
    two = ["Twin:Keys 20:0", "Twin:Keys 24:0"]
    assert matching(("Twin:Keys 20:0",), two) == ["Twin:Keys 20:0"]


def test_the_soundfont_is_missing_and_comes(
    server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    font, real = tmp_path / "font.sf3", soundfont_path()
    monkeypatch.setenv("JAM_SOUNDFONT", str(font))
    choice = DeviceChoice(midi_api="jack", audio_required=False)
    with player_in(choice) as player:
        (problem,) = player.devices.problems
        assert problem.startswith("Silent: ") and f"{font}: no such file" in problem
        player.play_on(8)  # the MIDI output plays on
        font.symlink_to(real)
        player.play_until_told("Sound is back: JACK: system.")
        assert player.devices.problems == ()
        # Taken away again: what is in memory plays on.
        font.unlink()
        player.play_on(4)
        player.engine.send(ChangeSettings(SETTINGS.changed(accompaniment="bossa")))
        time.sleep(0.1)
        player.engine.send(SelectDevices(block_frames=1024))
        player.play_until_told("no such file")
        player.play_on(8)
    check_ends(player.logs)
