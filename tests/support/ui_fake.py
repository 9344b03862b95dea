"""An engine that is none: plausible snapshots of a jam, for the window's tests."""

from __future__ import annotations

from dataclasses import replace

from jam.clock import Clock
from jam.messages.commands import EVERY_INPUT, ChangeSettings, KeyInput, SelectDevices, Start, Stop
from jam.messages.controls import ControlMoved, ShowOnControls, UseControls
from jam.messages.notes import ChordSpan, ExpectedNote, PlannedNote, PlayedNote
from jam.messages.snapshot import Counters, DeviceState, Snapshot
from jam.music.grid import Meter, TempoMap
from jam.settings import JamSettings

PROGRESSION = (
    ("C", (48, 55, 60, 64)),
    ("Am7", (45, 55, 60, 64)),
    ("Dm7", (50, 57, 60, 65)),
    ("G7", (43, 55, 59, 65)),
    ("Fmaj7", (41, 57, 60, 64)),
    ("Bm7b5", (47, 57, 62, 65)),
    ("E7", (40, 56, 62, 64)),
    ("Bbmaj7", (46, 57, 62, 65)),
)
TUNE = (72, 76, 79, 77, 76, 74, 72, 71, 72, 74, 76, 72, 69, 71, 72, 67)


def jam_snapshot(
    position: float,
    settings: JamSettings | None = None,
    start_s: float = 0.0,
    tempo_map: TempoMap | None = None,
    devices: DeviceState | None = None,
) -> Snapshot:
    """A jam in full swing at a position in frames: two chords a bar, a tune in eighths."""
    settings = settings or JamSettings()
    tempo_map = tempo_map or TempoMap.constant(settings.bpm, settings.meter, start_s)
    meter = settings.meter
    per_beat, half_bar = meter.frames_per_beat, max(1, meter.frames_per_bar // 2)
    listen_until = settings.listen_bars * meter.frames_per_bar
    now = int(position) if position >= 0 else -1
    committed_until = max(listen_until, now + 1 + settings.commit_beats * per_beat)
    plan_end = now + 1 + settings.lookahead_beats * per_beat
    chords, planned = [], []
    first = max(0, (now - 8 * per_beat - listen_until) // half_bar)
    for i in range(first, first + 40):
        start = listen_until + i * half_bar
        end = min(start + half_bar, plan_end)
        if start >= plan_end:
            break
        symbol, pitches = PROGRESSION[i % len(PROGRESSION)]
        committed = start < committed_until
        confidence = 1.0 if committed else 0.85 - 0.1 * ((start - committed_until) / per_beat)
        chords.append(ChordSpan(symbol, start, end, committed, max(0.1, confidence)))
        for n, pitch in enumerate(pitches):
            part = "bass" if n == 0 else "chords"
            planned.append(
                PlannedNote(
                    i * 10 + n, pitch, 70, start, end, part, committed, max(0.1, confidence)
                )
            )
    played = []
    eighth = max(1, per_beat // 2)
    for i in range(max(0, (now - 10 * per_beat) // eighth), max(0, now // eighth + 1)):
        note_start_s = tempo_map.seconds_at(i * eighth) + 0.012
        note_end_s = tempo_map.seconds_at(i * eighth + eighth * 0.85)
        held = note_end_s > tempo_map.seconds_at(position)
        played.append(
            PlayedNote(i, TUNE[i % len(TUNE)], 80, note_start_s, None if held else note_end_s)
        )
    phase = "count-in" if position < 0 else "listening" if position < listen_until else "playing"
    return Snapshot(
        seq=now,
        running=True,
        phase=phase,
        at_s=tempo_map.seconds_at(position),
        tempo_map=tempo_map,
        settings=settings,
        listen_until_frame=listen_until,
        committed_until_frame=committed_until,
        plan_end_frame=plan_end,
        planned=tuple(planned),
        chords=tuple(chords),
        expected=tuple(
            ExpectedNote(TUNE[i % len(TUNE)], i * eighth, (i + 1) * eighth)
            for i in range(now // eighth + 1, plan_end // eighth)
        ),
        played=tuple(played),
        agent_state="ready",
        agent_name="rules",
        counters=Counters(plans=max(0, now), plan_ms=1.9),
        devices=devices
        or DeviceState(
            "ALSA",
            ("Digital Piano",),
            ("jam out",),
            ("Digital Piano", "nanoKEY2"),
            ("jam out",),
            "Built-in Audio, 48 kHz",
            12.0,
        ),
    )


def stopped_snapshot(
    settings: JamSettings | None = None, devices: DeviceState | None = None, message: str = ""
) -> Snapshot:
    """Before the first note."""
    settings = settings or JamSettings()
    return Snapshot(
        seq=0,
        running=False,
        phase="stopped",
        at_s=0.0,
        tempo_map=TempoMap.constant(settings.bpm, settings.meter),
        settings=settings,
        agent_state="ready",
        agent_name="rules",
        devices=devices or DeviceState(),
        message=message,
    )


class FakeLink:
    """Keeps what was sent, and answers as an engine would: jams along from Start to Stop."""

    def __init__(self, clock: Clock, settings: JamSettings | None = None) -> None:
        self.clock = clock
        self.sent: list[object] = []
        self.closed = False
        self.moved: list[ControlMoved] = []
        self.of_controls: list[object] = []
        """What was sent of MIDI controls, which is more than what a hand asks for."""
        self.up = True
        self.settings = settings or JamSettings()
        self.devices = DeviceState("ALSA", (), (), ("Digital Piano", "nanoKEY2"), (), "Speakers")
        self.running = False
        self.started_s = 0.0
        self.override: Snapshot | None = None
        self._last: Snapshot | None = None
        self._held: dict[int, PlayedNote] = {}
        self._changed = True

    def send(self, command: object) -> None:
        if isinstance(command, UseControls | ShowOnControls):
            self.of_controls.append(command)
            return
        self.sent.append(command)
        self._changed = True
        if isinstance(command, Start):
            self.running = True
            meter: Meter = self.settings.meter
            count_in_s = self.settings.count_in_bars * meter.beats_per_bar * 60 / self.settings.bpm
            self.started_s = self.clock.now_s() + count_in_s
        elif isinstance(command, Stop):
            self.running = False
        elif isinstance(command, ChangeSettings):
            self.settings = command.settings
        elif isinstance(command, SelectDevices) and command.midi_inputs is not None:
            names = command.midi_inputs
            opened = self.devices.available_inputs if names == EVERY_INPUT else names
            self.devices = replace(self.devices, midi_inputs=opened, wanted_inputs=names)
        elif isinstance(command, SelectDevices) and command.agent_server is not None:
            self.devices = replace(self.devices, wanted_agent_server=command.agent_server)
        elif isinstance(command, KeyInput):
            if command.velocity:
                note = PlayedNote(command.pitch, command.pitch, command.velocity, command.at_s)
                self._held[command.pitch] = note
            else:
                self._held.pop(command.pitch, None)

    def snapshot(self) -> Snapshot | None:
        if not self.up:
            return None
        if self.override is not None:
            return self.override
        last = self._last
        if self.running:
            tempo_map = TempoMap.constant(self.settings.bpm, self.settings.meter, self.started_s)
            position = tempo_map.position_at(self.clock.now_s())
            if self._changed or last is None or int(position // 1) != last.seq:
                self._last = jam_snapshot(position, self.settings, self.started_s, tempo_map)
                self._last = replace(self._last, seq=int(position // 1), devices=self.devices)
        elif self._changed or last is None:
            self._last = stopped_snapshot(self.settings, self.devices)
        assert self._last is not None
        if self._changed and self._held:
            held = tuple(self._held.values())
            self._last = replace(self._last, played=self._last.played + held)
        self._changed = False
        return self._last

    def controls_moved(self) -> list[ControlMoved]:
        moved, self.moved = self.moved, []
        return moved

    def close(self) -> None:
        self.closed = True
