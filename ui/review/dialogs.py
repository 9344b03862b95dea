"""The dialogs: how a new take is made, how a recording is read, what is exported where."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from jam.accompaniment import all_styles
from jam.audio.sound_file import check_format
from jam.errors import JamError
from jam.files import FILE_RATES, SOUND_SUFFIXES
from jam.music.grid import MAX_BPM, METERS, MIN_BPM, Meter
from jam.sessions.session import TakeInfo, TakeKind
from jam.settings import SETTINGS, VOICES, JamSettings
from jam.voice.files import VoiceWish
from ui.settings.fields import Combo, NumberSpin, Switch, set_range

KINDS: tuple[tuple[TakeKind, str, str], ...] = (
    (
        "re-voiced",
        "Same chords, another style",
        "Keeps the chords of this take; only how the band plays them changes.",
    ),
    (
        "re-harmonised",
        "Reharmonise the whole melody",
        "Like an arranger: every chord is chosen knowing what comes next.",
    ),
    (
        "re-played",
        "Play it again live",
        "As if you had played it again, with other settings or another seed.",
    ),
)


@dataclass(frozen=True, slots=True)
class TakeWish:
    """How a new take is to be made."""

    kind: TakeKind
    settings: JamSettings
    seed: int


class NewTakeDialog(QDialog):
    """Asks how; `wish` is the answer."""

    def __init__(self, settings: JamSettings, kind: TakeKind, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New take")
        self._base = settings
        self.kind = Combo()
        for _, title, tip in KINDS:
            self.kind.addItem(title)
            self.kind.setItemData(self.kind.count() - 1, tip, 3)
        self.about = QLabel()
        self.about.setObjectName("hint")
        self.about.setWordWrap(True)
        self.style_box = Combo()
        self._styles, _ = all_styles()
        for style in self._styles:
            self.style_box.addItem(style.title)
            self.style_box.setItemData(self.style_box.count() - 1, style.about, 3)
        names = [style.name for style in self._styles]
        now = settings.accompaniment
        self.style_box.setCurrentIndex(names.index(now) if now in names else 0)
        self.density = Combo()
        changes = SETTINGS["density"].choices
        self.density.addItems(choice.label for choice in changes)
        values = [choice.value for choice in changes]
        self.density.setCurrentIndex(
            values.index(settings.density) if settings.density in values else 0
        )
        self.temperature = NumberSpin()
        set_range(self.temperature, SETTINGS["temperature"])
        self.temperature.setSingleStep(0.1)
        self.temperature.setDecimals(1)
        self.temperature.setValue(settings.temperature)
        self.listen = QSpinBox()
        set_range(self.listen, SETTINGS["listen_bars"])
        self.listen.setSuffix(" bars")
        self.listen.setValue(settings.listen_bars)
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setValue(secrets.randbelow(10_000))
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.kind.setCurrentIndex([name for name, _, _ in KINDS].index(kind))
        self._on_kind(self.kind.currentIndex())

    def _lay_out(self) -> None:
        self.form = QFormLayout()
        for label, field, tip in (
            ("T&ype", self.kind, "How the take is made."),
            ("&Style", self.style_box, "How the band plays the chords."),
            ("&Chord changes", self.density, "How often chords change."),
            ("&Temperature", self.temperature, "0 is strict, 2 is wild."),
            ("&Listen first", self.listen, "Bars before the band comes in."),
            ("S&eed", self.seed, "Random seed; another number gives another take."),
        ):
            field.setToolTip(tip)
            field.setAccessibleName(label.replace("&", ""))
            self.form.addRow(label, field)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        if (make := buttons.button(QDialogButtonBox.StandardButton.Ok)) is not None:
            make.setText("Create take")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(self.form)
        column.addWidget(self.about)
        column.addWidget(buttons)
        self.setMinimumWidth(400)

    def _on_kind(self, index: int) -> None:
        kind, _, tip = KINDS[index]
        self.about.setText(tip)
        agent = kind == "re-played"
        for field in (self.density, self.temperature, self.listen, self.seed):
            self.form.setRowVisible(field, agent or (field is self.density and kind != "re-voiced"))
        self.adjustSize()

    def wish(self) -> TakeWish:
        kind = KINDS[self.kind.currentIndex()][0]
        style = self._styles[self.style_box.currentIndex()].name
        base = self._base
        if style != base.accompaniment:  # with the instruments that belong to it
            base = base.changed(agent_program=None, bass_program=None, drums_program=None)
        settings = base.changed(
            accompaniment=style,
            density=SETTINGS["density"].choices[self.density.currentIndex()].value,
            temperature=self.temperature.value(),
            listen_bars=self.listen.value(),
        )
        return TakeWish(kind, settings, self.seed.value())


KEEP_SOUND = "Keep its sound"
_ESTIMATED = "Estimate it"


class RecordingDialog(QDialog):
    """Asks how recordings are to be read; `wish` is the answer."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import recording")
        self.voice, self.metre = Combo(), Combo()
        self.voice.addItems(list(VOICES.values()))
        self.metre.addItems(list(METERS))
        self.metre.setCurrentText("4/4")
        self.bpm = NumberSpin()
        self.bpm.setRange(MIN_BPM - 1, MAX_BPM)
        self.bpm.setSpecialValueText(_ESTIMATED)
        self.bpm.setValue(MIN_BPM - 1)
        self.keeps = Switch(KEEP_SOUND)
        self.keeps.setToolTip(
            "A copy of the recording is kept as a FLAC file in the folder voices beside the"
            " library, to be heard along and transcribed again. It goes with the session."
        )
        about = QLabel(
            "Its notes become the melody of a session. The sound itself isn't kept unless you say"
            " so here."
        )
        about.setObjectName("hint")
        about.setWordWrap(True)
        form = QFormLayout()
        for label, field, tip in (
            ("&Voice or instrument", self.voice, "What is heard in it."),
            ("&Tempo", self.bpm, "Beats per minute, where it was recorded to a click."),
            ("&Metre", self.metre, "Time signature."),
        ):
            field.setToolTip(tip)
            field.setAccessibleName(label.replace("&", ""))
            form.addRow(label, field)
        form.addRow(self.keeps)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        if (ok := buttons.button(QDialogButtonBox.StandardButton.Ok)) is not None:
            ok.setText("Import")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(about)
        column.addWidget(buttons)
        self.setMinimumWidth(400)

    def wish(self) -> VoiceWish:
        bpm = self.bpm.value()
        return VoiceWish(
            list(VOICES)[self.voice.currentIndex()],
            None if bpm < MIN_BPM else bpm,
            Meter.parse(self.metre.currentText()),
            keeps=self.keeps.isChecked(),
        )


FORMATS = (
    ("midi", ".mid", "MIDI file", "One track per part, chords as markers; opens in any DAW."),
    (
        "lead sheet",
        ".musicxml",
        "Lead sheet (MusicXML)",
        "Melody and chords, for notation programs.",
    ),
    ("wav", ".wav", "Audio (WAV)", "The mix as you hear it here."),
    ("flac", ".flac", "Audio (FLAC)", "The same without loss, in about half the space."),
    ("mp3", ".mp3", "Audio (MP3)", "The same for a phone or the web, much smaller."),
    ("json", ".json", "Complete session", "Everything, with all plans; can be imported again."),
)

NO_FORMAT = "Choose at least one format."
BAD_NAME = "The name can't be empty or contain a slash."
NO_FOLDER = "This folder doesn't exist."


@dataclass(frozen=True, slots=True)
class ExportWish:
    """What is to be written."""

    take_id: int
    paths: tuple[Path, ...]
    stems: bool
    rate_hz: int = FILE_RATES[0]


class ExportDialog(QDialog):
    """Asks for formats, folder and name; `wish` is the answer."""

    def __init__(
        self, takes: Sequence[TakeInfo], shown: int, folder: Path, stem: str, parent: QWidget | None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self._takes = tuple(takes)
        self.take: QComboBox = Combo()
        self.take.addItems([take.name for take in self._takes])
        self.take.setCurrentIndex([take.id for take in self._takes].index(shown))
        self.name = QLineEdit(stem)
        self.folder = QLineEdit(str(folder))
        browse = QPushButton("Choose …")
        browse.clicked.connect(self._browse)
        self.formats: dict[str, Switch] = {}
        self.trouble = QLabel()
        self.trouble.setObjectName("trouble")
        self.trouble.setWordWrap(True)
        form = QFormLayout()
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(browse)
        for label, field, name in (("&Take", self.take, "Take"), ("&Name", self.name, "File name")):
            field.setAccessibleName(name)
            form.addRow(label, field)
        self.folder.setAccessibleName("Folder")
        form.addRow("Folder", where)
        column = QVBoxLayout(self)
        column.addLayout(form)
        for key, suffix, title, tip in FORMATS:
            box = Switch(f"{title}  ({suffix})")
            box.setToolTip(tip)
            box.setChecked(key == "midi")
            box.toggled.connect(lambda _: self._check())
            self.formats[key] = box
            column.addWidget(box)
            if suffix in SOUND_SUFFIXES:
                with_reason(box, suffix)
            if suffix == SOUND_SUFFIXES[-1]:
                column.addLayout(self._of_sound())
        column.addWidget(self.trouble)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self.setMinimumWidth(480)
        self.name.textChanged.connect(lambda _: self._check())
        self.folder.textChanged.connect(lambda _: self._check())
        self._check()

    def _of_sound(self) -> QHBoxLayout:
        """What holds for every sound file."""
        self.stems = Switch("plus stems")
        self.stems.setToolTip("One more file per part; together they make the mix.")
        self.rate: QComboBox = Combo()
        self.rate.addItems([f"{rate_hz:,} Hz" for rate_hz in FILE_RATES])
        self.rate.setAccessibleName("Sample rate of the sound files")
        self.rate.setToolTip("44,100 Hz as on a CD, 48,000 Hz for video.")
        inset = QHBoxLayout()
        inset.setContentsMargins(24, 0, 0, 0)
        inset.addWidget(self.stems)
        inset.addWidget(self.rate)
        inset.addStretch(1)
        return inset

    def _has_sound(self) -> bool:
        return any(
            self.formats[key].isChecked() for key, suffix, *_ in FORMATS if suffix in SOUND_SUFFIXES
        )

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export to", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _check(self) -> None:
        """Say in place what is missing; files that would be overwritten are named."""
        for widget in (self.stems, self.rate):
            widget.setEnabled(self._has_sound())
        wish = self.wish()
        trouble = fault = ""
        if not wish.paths:
            fault = NO_FORMAT
        elif not self.name.text().strip() or Path(self.name.text()).name != self.name.text():
            fault = BAD_NAME
        elif not Path(self.folder.text()).is_dir():
            fault = NO_FOLDER
        elif there := [path.name for path in wish.paths if path.exists()]:
            trouble = f"These files will be replaced: {', '.join(there)}."
        self.trouble.setText(fault or trouble)
        if (save := self.buttons.button(QDialogButtonBox.StandardButton.Save)) is not None:
            save.setEnabled(not fault)

    def wish(self) -> ExportWish:
        folder, stem = Path(self.folder.text()), self.name.text().strip()
        paths = [
            folder / f"{stem}{suffix}"
            for key, suffix, _, _ in FORMATS
            if self.formats[key].isChecked()
        ]
        stems = self.stems.isChecked() and self._has_sound()
        take_id = self._takes[self.take.currentIndex()].id
        return ExportWish(take_id, tuple(paths), stems, FILE_RATES[self.rate.currentIndex()])


def with_reason(box: Switch, suffix: str) -> None:
    """A format that can't be written here isn't offered, and its tip says why."""
    try:
        check_format(suffix)
    except JamError as error:
        box.setEnabled(False)
        box.setToolTip(f"{error}.")
