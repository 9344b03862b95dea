"""The status line: what it says is a pure function of the snapshot; the widget shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from jam.messages.snapshot import Counters, Snapshot

_FLASH_S = 2.5
"""How long the line says what a key has done."""
_ALERT_S = 4.0
"""How long a field stays marked after something went wrong."""

NO_SOUND = "none"
"""The choice of no audio device."""
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
        midi=(f"{snapshot.voice.device} + " if snapshot.voice.device else "")
        + "MIDI: "
        + (" + ".join(devices.midi_inputs) or "none (computer keyboard)"),
    )


def problems_of(snapshot: Snapshot | None) -> tuple[str, ...]:
    """What the user should know now, one sentence each; empty when all is well."""
    if snapshot is None:
        return ()
    problems = snapshot.devices.problems
    lines = [snapshot.message, *problems, WHERE_DEVICES_ARE if problems else ""]
    return tuple(
        dict.fromkeys(
            line for line in [*lines, snapshot.sync.problem, snapshot.voice.problem] if line
        )
    )


def panic_words(snapshot: Snapshot | None) -> str:
    """What was done by panic, and what goes on."""
    if snapshot is not None and snapshot.running:
        return f"{ALL_NOTES_OFF} The jam goes on; Space stops it."
    if snapshot is not None and snapshot.playback is not None and snapshot.playback.playing:
        return f"{ALL_NOTES_OFF} The playback goes on; Space pauses it."
    return ALL_NOTES_OFF


class Level(Enum):
    """How the engine is."""

    WELL = "well"
    WARNING = "warning"
    FAULT = "fault"


ALL_IS_WELL = "OK"
_SIGNS = {Level.WELL: "●", Level.WARNING: "▲", Level.FAULT: "■"}
"""Told apart by their shape, too."""


def health_of(
    snapshot: Snapshot | None, late: bool = False, dropouts: bool = False
) -> tuple[Level, str]:
    """How the engine is, and in a few words why. late, dropouts: some were counted just now."""
    if snapshot is None:
        return Level.WARNING, "Starting"
    if snapshot.agent_state == "gone":
        return Level.FAULT, "Agent gone"
    if not snapshot.devices.audio and snapshot.devices.wanted_audio != NO_SOUND:
        return Level.FAULT, "No audio"
    if snapshot.agent_state == "loading":
        return Level.WARNING, "Agent loading"
    if snapshot.phase == "behind":
        return Level.WARNING, "Agent behind"
    if dropouts:
        return Level.WARNING, f"Dropouts: {snapshot.counters.dropouts}"
    if late:
        return Level.WARNING, f"Late plans: {snapshot.counters.late_plans}"
    return Level.WELL, ALL_IS_WELL


class StatusLine(QFrame):
    """The line at the foot of the window: where the music is, and one dot for all of the engine.
    A click on the dot shows or hides what is behind it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self._shown: Status | None = None
        self._health: tuple[Level, str] | None = None
        self._counters = Counters()
        self._late_until_s = self._dropouts_until_s = -1.0
        self._flash, self._flash_until_s = "", -1.0
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 8, 2)
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
            # Long names of devices, and large text, must not widen the window.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            wide = {"transport": 4, "agent": 3, "audio": 5, "midi": 3}
            row.addWidget(label, wide.get(name, 2))
            label.setVisible(name == "transport")
            self._labels[name] = label
        self.health = QPushButton()
        self.health.setObjectName("health")
        self.health.setAccessibleName("State of the engine")
        self.health.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.health.clicked.connect(lambda _: self.toggle_details())
        row.addWidget(self.health)

    @property
    def details_shown(self) -> bool:
        return not self._labels["agent"].isHidden()

    def toggle_details(self) -> None:
        """Show or hide what is behind the dot."""
        shown = not self.details_shown
        for name, label in self._labels.items():
            label.setVisible(shown or name == "transport")

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
        late, dropouts = now_s < self._late_until_s, now_s < self._dropouts_until_s
        self._show_health(*health_of(snapshot, late, dropouts))
        self._mark("late", late)
        self._mark("dropouts", dropouts)
        if status == self._shown:
            return
        self._shown = status
        for name, label in self._labels.items():
            text = getattr(status, name)
            if label.text() != text:
                label.setText(text)
        self._mark("agent", status.agent_alert)
        self._mark("audio", status.audio_alert)
        details = [label.text() for name, label in self._labels.items() if name != "transport"]
        self.health.setToolTip("\n".join((*details, "Click to show or hide this here.")))

    def _show_health(self, level: Level, words: str) -> None:
        if (level, words) == self._health:
            return
        self._health = level, words
        self.health.setText(f"{_SIGNS[level]} {words}")
        self.health.setAccessibleDescription(words)
        self.health.setProperty("level", level.value)
        _restyle(self.health)

    def _mark(self, name: str, alert: bool) -> None:
        label = self._labels[name]
        if bool(label.property("alert")) != alert:
            label.setProperty("alert", alert)
            _restyle(label)

    def flash(self, words: str, now_s: float) -> None:
        """Say something in place of the transport for a moment."""
        self._flash, self._flash_until_s = words, now_s + _FLASH_S
        self._labels["transport"].setText(words)
        self._shown = None

    def text(self) -> str:
        """All that it says, for tests and screen readers."""
        return " | ".join(label.text() for label in self._labels.values())


def _restyle(widget: QWidget) -> None:
    """Have a changed property change the look."""
    if (style := widget.style()) is not None:
        style.unpolish(widget)
        style.polish(widget)
