"""The microphone in the tab Devices: which one, how loud it is, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QPushButton

from jam.messages.commands import FindGate
from jam.messages.voice import HEARS_BAND, OFF, VoiceState
from ui.settings.fields import Choice, LevelMeter, describe
from ui.settings.panel import SettingsSection

_LOWEST_DB = -80
NO_MICROPHONE, DEFAULT_MICROPHONE = "No microphone", "System default"
CLIPS = "Too loud: turn the microphone's input down."


def microphone_words(voice: VoiceState) -> str:
    """What is said below the microphone: its problem, or what it hears and how late."""
    if voice.wanted == OFF:
        return "Sing, whistle or play one voice in place of a MIDI keyboard. Use headphones."
    if voice.problem:
        return voice.problem
    if not voice.device:
        return "Opening the microphone …"
    facts = [
        f"{voice.latency_ms:.0f} ms from the air to jam; a note is known"
        f" {voice.waits_ms:.0f} ms after it begins, and put where it began."
    ]
    if voice.clips:
        facts.append(CLIPS)
    if voice.hears_band:
        facts.append(HEARS_BAND)
    if voice.lost_blocks:
        facts.append(f"Lost blocks of sound: {voice.lost_blocks}.")
    if voice.keeps:
        facts.append("Its sound is being kept.")
    return " ".join(facts)


class MicrophoneControls:
    """The rows of the microphone within the tab."""

    def __init__(
        self, section: SettingsSection, choice: Choice, send: Callable[[object], None]
    ) -> None:
        self.choice = choice
        self.last = ""
        """The one that was chosen last, which is listened to when it is switched on again."""
        self.level = LevelMeter(_LOWEST_DB)
        describe(
            self.level, "microphone_level", "Level", "Level of the microphone; 0 dB is too loud."
        )
        section.put(self.level)
        self.words = section.hint("")
        self.words.setAccessibleName("Microphone")
        section.put_lines("Microphone")
        self.listen = QPushButton("Listen to the room")
        describe(
            self.listen,
            "find_gate",
            self.listen.text(),
            "Be quiet for two seconds: the gate is set above what is heard.",
        )
        self.listen.clicked.connect(lambda _: send(FindGate()))
        section.form.addRow(self.listen)
        self.show_voice(VoiceState())

    def options(self, available: tuple[str, ...], wanted: str) -> list[tuple[str, str]]:
        """What can be chosen; one that was chosen stays on the list while it is away."""
        if wanted != OFF:
            self.last = wanted
        names = [*available, *([wanted] if wanted not in ("", OFF, *available) else [])]
        return [(NO_MICROPHONE, OFF), (DEFAULT_MICROPHONE, ""), *((name, name) for name in names)]

    def show_voice(self, voice: VoiceState) -> None:
        """Follow the microphone."""
        self.level.show_level(voice.level_db if voice.device else None, voice.clips)
        self.listen.setEnabled(bool(voice.device))
        if self.words.text() != (text := microphone_words(voice)):
            self.words.setText(text)
