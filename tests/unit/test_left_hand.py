"""The left hand: chords that are held, broken, pedalled and let go, from keys to sounding notes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.charts.text import read_text
from jam.messages.notes import AGENT, HAND, SONG, NoteEvent, PedalEvent
from jam.music.chord import QUALITIES, Chord
from jam.performance.conductor import Conductor
from jam.performance.left_hand import LeftHand
from jam.settings import JamSettings
from jam.stage.scheduler import Schedule
from tools.held_chords import voicing

SETTINGS = JamSettings(
    listen_bars=0, metronome=False, accompaniment="held", left_hand="held", split_pitch=60, feel=0
)
C, F = (48, 52, 55), (53, 57, 60 - 12)
BEAT = 4


class Jam:
    """A conductor with the rules as its agent, and what its scheduler sends."""

    def __init__(self, settings: JamSettings = SETTINGS, song: str = "") -> None:
        self.conductor = Conductor(settings, 0.0)
        self.anticipator = Anticipator(RuleBasedPredictor())
        self.schedule = Schedule()
        self.sounding: dict[int, tuple[int, str]] = {}
        self.said: dict[int, str] = {}
        self.ids: dict[int, int] = {}
        self.now = -0.5
        if song:
            self.conductor.use_song(read_text(song).song, self.s(-1), 0)

    def s(self, position: float) -> float:
        return self.conductor.tempo_map.seconds_at(position)

    def until(self, position: float) -> None:
        """Go on to a position, in steps of a tenth of a frame."""
        while self.now < position:
            self.now = min(position, self.now + 0.1)
            now_s, conductor = self.s(self.now), self.conductor
            conductor.follow_hand(now_s)
            n = len(conductor.rows)
            if conductor.advance(now_s):
                conductor.take(self.anticipator.plan(conductor.request()), now_s)
            self.said.update(conductor.sources(n))
            self.schedule.update(conductor.notes(), conductor.tempo_map)
            for event in self.schedule.due(now_s):
                if event.velocity:
                    assert event.note_id not in self.sounding
                    self.sounding[event.note_id] = event.pitch, event.part
                else:
                    del self.sounding[event.note_id]

    def press(self, *pitches: int) -> None:
        for pitch in pitches:
            self.ids[pitch] = 1000 * len(self.conductor.rows) + pitch
            self.conductor.play(NoteEvent(self.ids[pitch], pitch, 80, self.s(self.now)))

    def release(self, *pitches: int) -> None:
        for pitch in pitches:
            self.conductor.play(NoteEvent(self.ids.pop(pitch), pitch, 0, self.s(self.now)))

    def pitch_classes(self, part: str = "chords") -> set[int]:
        return {pitch % 12 for pitch, of in self.sounding.values() if of == part}

    def chord(self, frame: int) -> Chord | None:
        return self.conductor.chord_line()[frame].chord


def test_what_the_hand_holds_sounds_within_the_frame_and_until_it_lets_go() -> None:
    jam = Jam(song="| Am | Am | Am | Am |")
    jam.until(20)
    assert jam.chord(19) == Chord(9, "min") and jam.pitch_classes("bass") == {9}
    jam.until(24.05)  # a beat begins, and the hand comes a little after it
    jam.press(*F)
    jam.until(24.45)
    assert jam.pitch_classes() <= set(Chord(5, "maj").pitch_classes)
    assert jam.pitch_classes("bass") == {0} and jam.sounding  # over the C that is lowest
    jam.until(50)
    assert {jam.chord(f) for f in range(24, 50)} == {Chord(5, "maj")}
    assert jam.conductor.phase(jam.s(50)) == "playing"
    jam.release(*F)
    jam.until(64)
    assert {jam.chord(f) for f in range(51, 64)} == {Chord(9, "min")}
    assert jam.said[20] == jam.said[52] == SONG and {jam.said[f] for f in range(24, 50)} == {HAND}


@pytest.mark.parametrize("feel", (0, 1))
def test_what_the_hand_holds_sounds_while_the_band_listens(feel: float) -> None:
    jam = Jam(SETTINGS.changed(listen_bars=2, accompaniment="piano", feel=feel))
    jam.press(74)
    jam.until(8.05)
    jam.press(*C)
    jam.until(8.5)
    assert jam.pitch_classes() <= {0, 4, 7} and jam.sounding
    assert jam.pitch_classes("bass") == {0}
    jam.until(15)
    jam.release(*C)
    jam.until(31)
    assert not jam.sounding and {jam.chord(f) for f in range(17, 31)} == {None}
    heard = 0
    for position in range(32, 48):
        jam.until(position)
        heard += len(jam.sounding)
    assert heard and jam.chord(46) is not None
    jam.press(*F)
    jam.until(70)
    assert jam.chord(68) == Chord(5, "maj")


def test_for_the_bar_the_chord_lasts_to_the_bar_line() -> None:
    jam = Jam(SETTINGS.changed(left_hand="bar"), song="| Am | Am | Am | Am |")
    jam.until(20)
    jam.press(*C)
    jam.until(23)
    jam.release(*C)
    jam.until(48)
    assert {jam.chord(f) for f in range(20, 32)} == {Chord(0, "maj")}
    assert {jam.chord(f) for f in range(32, 48)} == {Chord(9, "min")}
    jam.press(*C)
    jam.until(70)  # held over a bar line
    assert {jam.chord(f) for f in range(48, 70)} == {Chord(0, "maj")}


def test_the_agent_goes_on_from_what_the_hand_said() -> None:
    jam = Jam()
    jam.press(72)
    jam.until(40)
    jam.press(*C)
    jam.until(56)
    jam.release(*C)
    jam.until(90)
    known = [row.chord.chord for row in jam.anticipator._rows]
    assert known[44:56] == [Chord(0, "maj")] * 12
    assert jam.conductor.late_plans == 0
    assert jam.said.get(88) == AGENT


def test_the_melody_doesnt_hear_the_left_hand() -> None:
    jam = Jam(SETTINGS.changed(split_pitch=0))  # the split is learnt
    jam.until(8)
    jam.press(48, 52, 55, 72)
    jam.until(16)
    jam.release(72)
    jam.press(64)
    jam.until(24)
    jam.release(64)
    jam.until(40)
    melody = [row.melody.pitch for row in jam.conductor.rows]
    assert set(melody[8:15]) == {72} and set(melody[17:23]) == {64}
    assert set(melody[30:]) == {None}


def test_switched_off_it_is_a_melody_as_ever() -> None:
    jam = Jam(JamSettings(listen_bars=0))
    jam.press(*C)
    jam.until(20)
    assert {row.melody.pitch for row in jam.conductor.rows[1:]} == {55}
    assert HAND not in jam.said.values()


@pytest.mark.parametrize("legato", [True, False])
def test_a_broken_chord_counts_and_ends_after_two_beats(legato: bool) -> None:
    hand = LeftHand()
    at = 0.0
    for n, pitch in enumerate((48, 55, 52, 55, 48, 55, 52, 55)):
        hand.note_on(n, pitch, at)
        if legato and n:
            hand.note_off(n - 1)
        found = hand.judge(at + 0.3, BEAT, None, None)
        if not legato:
            hand.note_off(n)
        assert n < 2 or (found is not None and found.chord == Chord(0, "maj"))
        at += 2.0
    hand.note_off(7)
    assert hand.judge(at + 4, BEAT, None, None) is not None
    assert hand.judge(at + 12, BEAT, None, None) is None


def test_the_pedal_holds_a_chord_and_another_one_takes_its_place() -> None:
    hand = LeftHand()
    hand.pedal(True)
    for n, pitch in enumerate(C):
        hand.note_on(n, pitch, 0.0)
    for n in range(3):
        hand.note_off(n)
    found = hand.judge(30.0, BEAT, None, None)
    assert found is not None and found.chord == Chord(0, "maj")
    for n, pitch in enumerate((53, 57, 60), 10):  # the pedal stays down
        hand.note_on(n, pitch, 32.0 + n / 100)
    found = hand.judge(32.4, BEAT, None, None)
    assert found is not None and found.chord == Chord(5, "maj")
    for n in range(10, 13):
        hand.note_off(n)
    assert hand.judge(60.0, BEAT, None, None) == found
    hand.pedal(False)
    assert hand.judge(60.1, BEAT, None, None) is None


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_chord_sounds_from_the_band_in_every_inversion(quality: str) -> None:
    for rotation in range(len(QUALITIES[quality][0])):
        chord = Chord(2, quality)
        pitches = [p - 12 for p in voicing(chord, rotation)]
        jam = Jam(SETTINGS.changed(split_pitch=72), song="| N.C. |")
        jam.until(8)
        jam.press(*pitches)
        jam.until(9)
        assert jam.pitch_classes() <= {p % 12 for p in pitches}
        assert jam.pitch_classes("bass") == {pitches[0] % 12}


hands = st.lists(
    st.tuples(
        st.sampled_from(["press", "release", "pedal", "up"]),
        st.integers(36, 76),
        st.floats(0.0, 6.0),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(hands, st.sampled_from(["held", "bar"]), st.sampled_from(["", "| C | ? | F G7 | N.C. |"]))
def test_whatever_the_hands_do_every_note_ends_and_rows_are_what_the_line_has(
    played: list[tuple[str, int, float]], mode: str, song: str
) -> None:
    jam = Jam(SETTINGS.changed(left_hand=mode, accompaniment="piano", split_pitch=0), song)
    for what, pitch, wait in played:
        jam.until(jam.now + wait)
        if what == "press" and pitch not in jam.ids:
            jam.press(pitch)
        elif what == "release" and pitch in jam.ids:
            jam.release(pitch)
        elif what in ("pedal", "up"):
            jam.conductor.pedal(PedalEvent(what == "pedal", jam.s(jam.now)))
    jam.release(*list(jam.ids))
    jam.until(jam.now + 30)
    conductor = jam.conductor
    assert conductor.committed_until_frame >= len(conductor.rows)
    assert tuple(row.chord for row in conductor.rows) == conductor.chord_line()
    assert not any(source == HAND for f, source in jam.said.items() if f > jam.now - 8)
    for event in jam.schedule.stop(jam.s(jam.now)):
        del jam.sounding[event.note_id]
    assert jam.sounding == {}
