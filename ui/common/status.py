"""The status line: what it says is a pure function of the snapshot; the widget shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from jam.messages.snapshot import Counters, Snapshot

_FLASH_S = 2.5
"""How long the line says what a key has done."""
_ALERT_S = 4.0
"""How long a field stays marked after something went wrong."""

ALL_NOTES_OFF = "All notes off."
WHERE_DEVICES_ARE = "Plug one in, or choose another in Settings, Devices (F5)."
_PHASES = {
    "stopped": "Stopped",
    "count-in": "Count-in",
    "listening": "Listening",
    "playing": "Playing",
    "resting": "Band waiting",
    "behind": "Playing, agent behind",
}
_AGENT_STATES = {"loading": "loading", "ready": "ready", "restarted": "restarted", "gone": "gone"}


@dataclass(frozen=True, slots=True)
class Status:
    """The fields of the line, each a few words."""

    transport: str
    agent: str
    agent_alert: bool
    plan: str
    late: str
    dropouts: str
    audio: str
    audio_alert: bool
    midi: str


def place_text(snapshot: Snapshot, now_s: float) -> str:
    """Where a jam is."""
    position = snapshot.tempo_map.position_at(now_s)
    if position < 0:
        return "count-in"
    place = snapshot.tempo_map.place(int(position))
    return f"bar {place.bar + 1}, beat {place.beat + 1}"


def status_of(snapshot: Snapshot | None, now_s: float) -> Status:
    """What the status line says of a snapshot; None is before the first one."""
    if snapshot is None:
        return Status("Starting", "Agent", False, "", "", "", "", False, "")
    transport = _PHASES.get(snapshot.phase, snapshot.phase)
    if snapshot.playback is not None and snapshot.playback.playing:
        transport = "Playing back"
    if snapshot.running and snapshot.tempo_map.position_at(now_s) >= 0:
        transport += f" · {place_text(snapshot, now_s)}"
    counters, devices = snapshot.counters, snapshot.devices
    state = _AGENT_STATES.get(snapshot.agent_state, snapshot.agent_state)
    agent = f"Agent: {snapshot.agent_name}, {state}" if snapshot.agent_name else f"Agent: {state}"
    audio = f"Audio: {devices.audio}" if devices.audio else "No audio"
    if devices.audio and devices.audio_latency_ms > 0:
        audio += f" · {devices.audio_latency_ms:.0f} ms"
    return Status(
        transport=transport,
        agent=agent,
        agent_alert=snapshot.agent_state == "gone" or snapshot.phase == "behind",
        plan=f"plan {counters.plan_ms:.1f} ms" if counters.plans else "plan –",
        late=f"late plans {counters.late_plans}",
        dropouts=f"dropouts {counters.dropouts}",
        audio=audio,
        audio_alert=not devices.audio,
        midi="MIDI: " + (" + ".join(devices.midi_inputs) or "none (computer keyboard)"),
    )


def problems_of(snapshot: Snapshot | None) -> tuple[str, ...]:
    """What the user should know now, one sentence each; empty when all is well."""
    if snapshot is None:
        return ()
    problems = snapshot.devices.problems
    lines = [snapshot.message, *problems, WHERE_DEVICES_ARE if problems else ""]
    return tuple(dict.fromkeys(line for line in lines if line))


def panic_words(snapshot: Snapshot | None) -> str:
    """What was done by panic, and what goes on."""
    if snapshot is not None and snapshot.running:
        return f"{ALL_NOTES_OFF} The jam goes on; Space stops it."
    if snapshot is not None and snapshot.playback is not None and snapshot.playback.playing:
        return f"{ALL_NOTES_OFF} The playback goes on; Space pauses it."
    return ALL_NOTES_OFF


class StatusLine(QFrame):
    """The line at the foot of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self._shown: Status | None = None
        self._counters = Counters()
        self._late_until_s = self._dropouts_until_s = -1.0
        self._flash, self._flash_until_s = "", -1.0
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.setSpacing(22)
        self._labels: dict[str, QLabel] = {}
        tips = {
            "transport": "State, bar and beat",
            "agent": "The agent and its state",
            "plan": "Time to compute the latest plan",
            "late": "Plans that arrived too late (the previous plan was played)",
            "dropouts": "Audio dropouts; a larger buffer helps",
            "audio": "Audio device and its latency",
            "midi": "MIDI input",
        }
        for name, tip in tips.items():
            label = QLabel()
            label.setToolTip(tip)
            label.setAccessibleName(tip)
            if name in ("midi", "audio"):
                # Long device names must not widen the window.
                label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
                row.addWidget(label, 3)
            else:
                row.addWidget(label)
            self._labels[name] = label
        self._labels["transport"].setMinimumWidth(190)

    def show_status(self, snapshot: Snapshot | None, now_s: float) -> None:
        """Write what changed; cheap enough to be called at every frame."""
        status = status_of(snapshot, now_s)
        if now_s < self._flash_until_s:
            status = replace(status, transport=self._flash)
        counters = snapshot.counters if snapshot is not None else Counters()
        if counters.late_plans > self._counters.late_plans:
            self._late_until_s = now_s + _ALERT_S
        if counters.dropouts > self._counters.dropouts:
            self._dropouts_until_s = now_s + _ALERT_S
        self._counters = counters
        self._mark("late", now_s < self._late_until_s)
        self._mark("dropouts", now_s < self._dropouts_until_s)
        if status == self._shown:
            return
        self._shown = status
        for name, label in self._labels.items():
            text = getattr(status, name)
            if label.text() != text:
                label.setText(text)
        self._mark("agent", status.agent_alert)
        self._mark("audio", status.audio_alert)

    def _mark(self, name: str, alert: bool) -> None:
        label = self._labels[name]
        if bool(label.property("alert")) != alert:
            label.setProperty("alert", alert)
            if (style := label.style()) is not None:
                style.unpolish(label)
                style.polish(label)

    def flash(self, words: str, now_s: float) -> None:
        """Say something in place of the transport for a moment."""
        self._flash, self._flash_until_s = words, now_s + _FLASH_S
        self._labels["transport"].setText(words)
        self._shown = None

    def text(self) -> str:
        """All that it says, for tests and screen readers."""
        return " | ".join(label.text() for label in self._labels.values())
