"""What is said when the sound drops out often, how often it is said, and what it takes to mend."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication

from jam.cli.console import BarTeller, advice_in_words
from jam.engine.dropouts import (
    OFTEN,
    OFTEN_WORDS,
    QUIET_FOR_S,
    SAID_FOR_S,
    DropoutWatch,
    advice_for,
)
from jam.messages.commands import BLOCK_SIZES, SelectDevices
from jam.messages.snapshot import Counters, DeviceState, SessionLog, Snapshot
from jam.music.grid import TempoMap
from jam.music.rows import Row
from jam.performance.take import Recorder
from tests.support.ui_bench import Bench
from tests.support.ui_fake import jam_snapshot, stopped_snapshot
from ui.common.notice import use_words

ALSA = DeviceState(
    audio="ALSA: Built-in Audio",
    audio_blocks=BLOCK_SIZES,
    block_frames=256,
    wanted_block=256,
    sample_rate=48000,
)


def seen(dropouts: int, devices: DeviceState = ALSA) -> Snapshot:
    return replace(stopped_snapshot(), counters=Counters(dropouts=dropouts), devices=devices)


def test_dropouts_that_are_single_are_no_matter() -> None:
    watch = DropoutWatch()
    assert not any(watch.look(seen(i), 30.0 * i) for i in range(1, 60))
    # Nor a single disturbance, however many cycles it takes.
    watch = DropoutWatch()
    watch.look(seen(0), 0.0)
    assert not any(watch.look(seen(i), 10 + 0.01 * i) for i in range(1, 60))


def test_often_is_said_once_and_again_only_after_minutes() -> None:
    watch = DropoutWatch()
    said: list[float] = []
    before = None
    for second in range(1200):
        advice = watch.look(seen(second), float(second))
        if advice is not None and before is None:
            said.append(second)
        before = advice
        if advice is not None and second - said[-1] == 20:
            watch.dismiss(second)
            before = watch.look(seen(second), float(second))
            assert before is None
    assert 0 < said[0] < 60 and len(said) in (3, 4)
    assert all(b - a >= QUIET_FOR_S for a, b in itertools.pairwise(said))


def often(watch: DropoutWatch, start_s: float = 10.0) -> tuple[int, float]:
    """Dropouts until it is said: the count and the time."""
    for i in range(OFTEN + 1):
        if watch.look(seen(i), start_s + 2 * i):
            return i, start_s + 2 * i
    raise AssertionError("nothing was said")


def test_it_goes_when_the_sound_is_well_again_or_another_buffer_is_open() -> None:
    watch = DropoutWatch()
    watch.look(seen(0), 0.0)
    count, at_s = often(watch)
    assert watch.look(seen(count), at_s + SAID_FOR_S - 1)
    assert not watch.look(seen(count), at_s + SAID_FOR_S)
    watch = DropoutWatch()
    watch.look(seen(0), 0.0)
    count, at_s = often(watch)
    assert not watch.look(seen(count, replace(ALSA, block_frames=512)), at_s + 0.1)


def test_what_helps_depends_on_the_device() -> None:
    advice = advice_for(seen(9))
    assert advice.block_frames == 512
    assert advice.text == f"{OFTEN_WORDS}. Try a buffer of 512 frames (adds 5 ms)"
    assert advice_in_words(advice) == f"{advice.text} (type: buffer 512)."
    largest = advice_for(seen(9, replace(ALSA, block_frames=2048)))
    assert largest.block_frames == 0 and "largest" in largest.text
    on_jack = advice_for(seen(9, replace(ALSA, audio="JACK: system", audio_blocks=())))
    assert on_jack.block_frames == 0 and "in JACK" in advice_in_words(on_jack)


def test_in_the_window_a_click_takes_the_larger_buffer(bench: Bench) -> None:
    window, notice = bench.window, bench.window.dropouts

    def drop_out(n: int, devices: DeviceState = ALSA) -> None:
        for _ in range(n):
            counters = Counters(dropouts=drop_out.count)  # type: ignore[attr-defined]
            drop_out.count += 1  # type: ignore[attr-defined]
            bench.link.override = replace(
                jam_snapshot(50), seq=counters.dropouts, counters=counters, devices=devices
            )
            bench.tick(4.0)

    drop_out.count = 0  # type: ignore[attr-defined]
    drop_out(3)
    assert not notice.isVisible()
    drop_out(OFTEN)
    assert notice.isVisible()
    assert OFTEN_WORDS in notice.label.text()
    assert notice.buttons[0].text() == use_words(512)
    notice.buttons[0].click()
    command = bench.sent(SelectDevices)[-1]
    assert isinstance(command, SelectDevices) and command.block_frames == 512
    larger = replace(ALSA, block_frames=512, wanted_block=512)
    drop_out(1, larger)
    assert not notice.isVisible()
    window.undo()
    command = bench.sent(SelectDevices)[-1]
    assert isinstance(command, SelectDevices) and command.block_frames == 256
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_B, modifiers)
    QApplication.sendEvent(window, key)
    command = bench.sent(SelectDevices)[-1]
    assert isinstance(command, SelectDevices) and command.block_frames == 1024
    drop_out(3 * OFTEN, larger)
    assert not notice.isVisible()  # not so soon again
    bench.tick(QUIET_FOR_S)
    drop_out(OFTEN + 1, larger)
    assert notice.isVisible()
    notice.close_notice()
    drop_out(OFTEN, larger)
    assert not notice.isVisible()


def test_bars_are_told_once_whatever_has_gone_before(capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder()
    teller = BarTeller(recorder)
    tempo_map = TempoMap.constant(100, stopped_snapshot().settings.meter)
    teller.say()
    for frame in range(33):
        rows = ((frame, Row()),)
        recorder.take_log(SessionLog(session=1, rows=rows, tempo_map=tempo_map))
        teller.say()
    assert capsys.readouterr().out == "bar   1 | - - - -\nbar   2 | - - - -\n"
    for frame in range(17):
        rows = ((frame, Row()),)
        recorder.take_log(SessionLog(session=2, rows=rows, tempo_map=tempo_map))
        teller.say()
    assert capsys.readouterr().out == "bar   1 | - - - -\n"
