"""Devices that change, vanish and come back in mid-jam: real JACK, the stage in its own process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jam.agent.predictor import Predictor
from jam.agent.rules import RULES_PLAY, RuleBasedPredictor
from jam.cli.main import load_predictor, load_rules
from jam.engine.engine import Engine
from jam.messages.commands import ChangeSettings, DeviceChoice, ListAudio, SelectDevices
from tests.support.jam_player import SETTINGS, Player, jamming
from tests.support.waiting import until
from tools.support.jack import (
    RATE,
    JackServer,
    left_on,
    load_recording,
    midi_listener,
    play,
    recorder,
)


def test_another_buffer_while_it_plays(server: JackServer, tmp_path: Path) -> None:
    devices = DeviceChoice("", 0, 256, midi_api="jack")
    with recorder(server.environment, tmp_path) as out, jamming(devices) as player:
        # JACK has its own buffer, and it is shown as it is.
        frames = player.devices.block_frames
        assert frames == server.block_frames and player.devices.sample_rate == RATE
        assert player.devices.audio_rates == (RATE,) and player.devices.audio_blocks == ()
        player.engine.send(SelectDevices(block_frames=1024))
        player.play_until(lambda: player.devices.wanted_block == 1024, "the other buffer")
        assert player.devices.audio_latency_ms >= 1000 * frames / RATE
        player.play_on()
        # What the device doesn't take leaves it as it was, and is said.
        player.engine.send(SelectDevices(sample_rate=44100))
        player.play_until(lambda: "plays on" in player.snapshot.message, "a refusal")
        assert (player.devices.block_frames, player.devices.sample_rate) == (frames, RATE)
        assert player.devices.wanted_block == 1024
        for command, word in (
            (SelectDevices(audio="Gramophone"), "'Gramophone': not found"),
            (SelectDevices(block_frames=100), "buffer 100"),
        ):
            player.engine.send(command)
            player.play_until(lambda w=word: w in player.snapshot.message, word)  # type: ignore[misc]
        assert player.devices.audio == "JACK: system"
        player.engine.send(ListAudio())
        player.play_until(
            lambda: len(player.devices.available_audio) > 1, "the recorder among the devices"
        )
        player.play_on(12)
    audio = np.abs(load_recording(out).audio).max(axis=1)
    # It sounds at the beginning and to the end, the gap of each change is short, and it ends.
    seconds = [audio[i : i + RATE].max() for i in range(0, len(audio) - RATE, RATE)]
    heard = [second > 0.01 for second in seconds]
    last = max(i for i, is_heard in enumerate(heard) if is_heard)
    assert sum(heard[2:last]) >= 0.7 * len(heard[2:last])
    assert audio[-RATE // 20 :].max() < 1e-3


def test_jack_dies_and_comes_back(server: JackServer, tmp_path: Path) -> None:
    with jamming(DeviceChoice(midi_api="jack")) as player:
        for rate in (RATE, 44100):
            server.kill()
            player.play_until(lambda: not player.devices.audio, "the loss to be seen")
            player.play_until(lambda: not player.devices.midi_inputs, "the ports to be lost")
            audio, midi = player.devices.problems
            assert "JACK: system is gone" in audio and "JACK is gone" in midi
            player.play_on()  # silently
            server.start(512, rate)
            player.play_until(lambda: player.devices.audio, "the sound to come back")
            player.play_until(lambda: player.devices.midi_inputs, "the ports to come back")
            assert player.devices.sample_rate == rate
            assert player.devices.problems == ()
            player.play_on()
        with recorder(server.environment, tmp_path) as out:
            player.play_on(10)
        recording = load_recording(out)
        assert np.abs(recording.audio).max() > 0.01
        assert recording.notes()


def test_another_midi_output_leaves_no_note_behind(server: JackServer) -> None:
    with (
        midi_listener("Piano") as piano,
        midi_listener("Organ") as organ,
        jamming(DeviceChoice("none", midi_api="jack")) as player,
    ):

        def is_out(name: str) -> bool:
            return any(name in port for port in player.devices.midi_outputs)

        player.engine.send(SelectDevices(midi_outputs=("Piano",)))
        player.play_until(lambda: is_out("Piano"), "the piano")
        player.play_on(10)
        player.engine.send(SelectDevices(midi_outputs=("Organ",)))
        player.play_until(lambda: is_out("Organ") and not is_out("Piano"), "the organ")
        player.play_on(4)
        n_piano, stuck = left_on(piano)
        assert n_piano > 4 and not stuck
        player.play_on(6)
        player.engine.send(SelectDevices(midi_outputs=("Theremin",)))
        player.play_until(lambda: "'Theremin': not found" in player.snapshot.message, "a refusal")
        n_organ, stuck = left_on(organ)
        assert n_organ > 4 and not stuck
        # One that is unplugged is missed, and taken up again.
        with midi_listener("Harp"):
            player.engine.send(SelectDevices(midi_outputs=("Harp",)))
            player.play_until(lambda: is_out("Harp"), "the harp")
        player.play_until(lambda: "is gone" in player.snapshot.message, "the loss to be seen")
        with midi_listener("Harp") as harp:
            player.play_until(lambda: "is back" in player.snapshot.message, "the harp's return")
            player.play_on()
            assert left_on(harp)[0]


def test_a_channel_that_is_closed_lets_go_of_its_keys(server: JackServer) -> None:
    with Engine(SETTINGS, DeviceChoice("none", midi_api="jack"), load_rules) as engine:
        engine.wait_until_up()
        player = Player(engine, [])

        def held() -> list[int]:
            return [note.pitch for note in player.snapshot.played if note.end_s is None]

        def send(*messages: list[int]) -> None:
            play(server.environment, [(0.0, message) for message in messages]).wait(20)

        send([0x90, 60, 90], [0x91, 64, 90])
        until(lambda: held() == [60, 64], "keys on two channels")
        engine.send(ChangeSettings(SETTINGS.changed(midi_channel=2)))
        until(lambda: player.snapshot.settings.midi_channel == 2, "the channel")
        send([0x80, 60, 0], [0x90, 62, 90], [0x91, 65, 90])
        until(lambda: held() == [64, 65], "the second channel alone")
        send([0x81, 64, 0])
        until(lambda: held() == [65], "the release on the second channel")


def test_the_model_changes_while_it_plays() -> None:
    with jamming(DeviceChoice("none"), load_predictor) as player:
        assert player.snapshot.agent_models == ("neural", "rules")

        def newest() -> str:
            plans = [plan for log in player.logs for plan in log.plans]
            return plans[-1].predictor if plans else ""

        for model in ("rules", "neural"):
            player.engine.send(ChangeSettings(SETTINGS.changed(model=model)))
            player.play_until(lambda m=model: newest() == m, f"plans of {model}")  # type: ignore[misc]
            assert player.snapshot.agent_name == model
            player.play_on()
        logs = player.logs
    committed: dict[int, object] = {}
    for plan in (plan for log in logs for plan in log.plans):
        for frame in range(plan.start_frame, plan.committed_until_frame):
            chord = plan.chords[frame - plan.start_frame]
            assert committed.setdefault(frame, chord) == chord


def without_weights() -> tuple[Predictor, str]:
    """What the agent loads where the weights are broken."""
    return RuleBasedPredictor(), f"{RULES_PLAY}: weights.safetensors is broken"


def test_what_is_remembered_and_missing_is_replaced_and_said(server: JackServer) -> None:
    """An audio device that isn't there, a MIDI keyboard that isn't, and no weights."""
    choice = DeviceChoice(
        "Gramophone",
        44100,
        midi_inputs=("Theremin",),
        midi_api="jack",
        midi_required=False,
        audio_required=False,
    )
    with Engine(SETTINGS, choice, without_weights) as engine:
        devices = engine.wait_until_up().devices
        assert devices.audio == "JACK: system" and devices.sample_rate == RATE
        assert devices.wanted_audio == "Gramophone" and devices.wanted_inputs == ("Theremin",)
        player = Player(engine, [])
        assert "'Gramophone' isn't there; JACK: system plays" in player.snapshot.message
        engine.send(SelectDevices(midi_inputs=()))
        player.play_until(lambda: "rule-based" in player.snapshot.message, "the agent's word")
        assert player.snapshot.agent_models == ("rules",)
        engine.send(ChangeSettings(SETTINGS.changed(model="rules")))
        player.play_until(lambda: not player.snapshot.message, "what was asked for is no news")
