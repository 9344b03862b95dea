"""The session without its threads: what was played, what is planned, what is committed.

The live stage and the renderer drive the same object, one with the clock, one as fast as it
goes. Every method takes the time it needs; none reads a clock, sleeps or sends.
"""

from __future__ import annotations

import math
from dataclasses import replace

from jam.accompaniment import Style, metronome
from jam.accompaniment.band import swung_frame
from jam.accompaniment.styles import conditioned
from jam.messages.notes import AGENT, ChordSpan, ExpectedNote, NoteEvent, PedalEvent, PlannedNote
from jam.messages.plans import Plan, PlanRequest
from jam.messages.sync import PLAYER
from jam.music.chord import Chord
from jam.music.ear import is_found
from jam.music.grid import TempoMap
from jam.music.key import key_of
from jam.music.melody import HeldLine, MelodyTracker
from jam.music.place_in_form import PlaceInForm
from jam.music.role import LEADS, Turn
from jam.music.rows import NO_CHORD, ChordState, MelodyState, Row
from jam.music.song import Song
from jam.music.tune import Due
from jam.performance.band_in_play import BandInPlay
from jam.performance.chord_line import spliced, struck, write
from jam.performance.ending import Ending, come_back, ending_from, overruled
from jam.performance.hand_in_play import HandInPlay, LetGo, Moment, Said
from jam.performance.lead import Lead, last_bars
from jam.performance.presence import Presence
from jam.performance.song_line import Fixed, SongInPlay
from jam.performance.tune_in_play import TuneInPlay
from jam.roles.phrase import SOLO
from jam.roles.solo_in_play import SoloInPlay
from jam.settings import KEYS_A_CHORUS, JamSettings
from jam.sync.beat import BeatLine
from jam.sync.follower import Follower

HIDDEN = "?"
"""What is shown of a chord that is to be found by ear."""
_KEPT_BARS = 4
"""Notes and chords of so many past bars are kept for the screen."""
_STOPPED_BARS = 2
"""When the player has been silent for so long, the accompaniment comes to an end."""
_KEY_BARS = 16
_WAIT_FROM, _WAIT_S = 0.3, 0.08
"""The music stands so many frames before the key that it waits for, and looks on so far."""
_SHOWN_BARS = 16
"""The screen goes back no further."""


class Conductor:
    """One session. Not thread-safe: the stage's loop owns it.

    Frame f is closed at position f + ½, when everything that was meant for it has been played;
    so the plan that follows is there before frame f + 1 begins.
    """

    def __init__(
        self,
        settings: JamSettings,
        start_s: float,
        seed: int = 0,
        tempo_map: TempoMap | None = None,
        follows_stops: bool = True,
    ) -> None:
        """Frame 0 falls at `start_s`; a `tempo_map` known beforehand takes its place, whose metres
        then hold also while a song is played that has others.

        `follows_stops`: when the player stops, the accompaniment ends, and it comes back with
        them; without it the agent's chords go on.
        """
        self.settings = settings
        self.seed = seed
        self.waits_s = 0.0
        """A frame is closed so much later than at its middle: a microphone's notes are known late.
        """
        self.tempo_map = tempo_map or TempoMap.constant(settings.bpm, settings.meter, start_s)
        self.rows: list[Row] = []
        self.listen_until_frame = self.tempo_map.bar_start(settings.listen_bars)
        self.committed_until_frame = 0
        self.late_plans = 0
        self._is_late = False
        self.plan: Plan | None = None
        self._line: list[ChordState] = []
        """Chord of every frame from 0 to the end of the plan."""
        self._melody, self._held = MelodyTracker(), HeldLine()
        self._next_request_frame = 0
        self._asked_at_start = False
        self._delay_s = 0.0
        self._confidence: dict[int, float] = {}
        self._follows_stops = follows_stops
        self._presence = Presence()
        self._ending: Ending | None = None
        self._ending_asked = False
        self._band = BandInPlay(settings.accompaniment, seed)
        self._lead = Lead(seed)
        self._lead.change_keys(KEYS_A_CHORUS[settings.song_keys])
        self._leads_metre = tempo_map is None
        self._hand = HandInPlay()
        self._held_frame: int | None = None
        """The frame at which the music waits for the player."""
        self._hand_began_frame: int | None = None
        """The first chord of the left hand that sounded."""
        self._follower: Follower | None = None
        self._tune = TuneInPlay()
        self._solo = SoloInPlay()
        self._take_role(0)

    # -- what the player does ---------------------------------------------------------------

    def play(self, event: NoteEvent) -> None:
        """Take over a key that went down or (velocity 0) came up."""
        if not self._hand.takes(event, self.settings, self.tempo_map):
            position = self.tempo_map.position_at(event.at_s)
            self.play_at(position, event.note_id, event.pitch, event.velocity)

    def pedal(self, event: PedalEvent) -> None:
        """The sustain pedal, which holds the left hand's keys; the melody doesn't know it."""
        self._hand.pedal(event)

    def play_at(self, position: float, note_id: int, pitch: int, velocity: int) -> None:
        """The same at a position in frames."""
        if velocity:
            self._presence.note_on(position, pitch, velocity)
            self._solo.note_on(position, pitch, velocity)
            if self._has_tune:
                beat = self.tempo_map.meter_at(position).frames_per_beat
                self._tune.strike(pitch, position, self._wanted(), beat)
            self._melody.note_on(note_id, pitch, position)
        else:
            self._melody.note_off(note_id, position)

    def change_settings(self, settings: JamSettings, now_s: float) -> None:
        """Tempo acts from the next frame, metre and style from a bar line, the rest at once.

        What is committed never changes: another style begins with the first bar line at or beyond
        the commit point.
        """
        next_frame = math.floor(self.tempo_map.position_at(now_s)) + 1
        last = self.tempo_map.segments[-1]
        bpm = settings.bpm if self._follower is None else last.bpm
        if bpm != last.bpm or settings.meter != last.meter:
            current = self.tempo_map.meter_at(next_frame)
            self.tempo_map = self.tempo_map.with_tempo(next_frame, bpm)
            by_song = self._lead.playing is not None and settings.meter == self.settings.meter
            if settings.meter != current and not by_song:
                line = self.tempo_map.next_bar_frame(next_frame)
                self.tempo_map = self.tempo_map.with_meter(line, settings.meter)
            self._take_metres()
        if settings.listen_bars != self.settings.listen_bars and next_frame <= (
            self.listen_until_frame
        ):
            ahead = self.tempo_map.next_bar_frame(next_frame + self._commit_frames(settings))
            self.listen_until_frame = max(self.tempo_map.bar_start(settings.listen_bars), ahead)
        if settings.accompaniment != self.settings.accompaniment:
            line = self.tempo_map.next_bar_frame(max(next_frame, self.committed_until_frame))
            self._band.change_style(settings.accompaniment, line)
        self.settings = settings
        self._fix(self._sent_until(now_s))
        self._take_role(max(next_frame, self.committed_until_frame))
        self._lead.change_keys(KEYS_A_CHORUS[settings.song_keys])
        self._keep_committed()
        self._realise()

    def _take_role(self, frame: int, again: bool = False) -> None:
        """The role that the settings say, from the first bar line at or after a frame on; again:
        another song is played."""
        song = self._lead.playing
        bar = self.tempo_map.place(self.tempo_map.next_bar_frame(frame)).bar
        if frame <= self.listen_until_frame:
            bar = max(bar, self.tempo_map.place(self.listen_until_frame).bar)
        song_bar = None if song is None else song.first_bar
        now = self.settings
        self._solo.use(
            now.role, now.turn_bars, now.role_choruses, bar, song_bar, self._lead.form_bars, again
        )

    @property
    def role_is_over(self) -> bool:
        """Whether the agent had its role for a number of choruses, and they are over."""
        return self._solo.is_over(self.tempo_map.place(len(self.rows)).bar)

    def follow(self, line: BeatLine | None, now_s: float) -> bool:
        """Go on in time with another's beat, from the next frame that isn't sent yet; None: in
        one's own time, as it is now. True when the tempo map has changed.
        """
        if line is None:
            self._follower = None
            return False
        if self._follower is None:
            self._follower = Follower()
        before = self.tempo_map
        first = self._sent_until(now_s)
        self.tempo_map = after = self._follower.follow(before, line, first)
        if after is before:
            return False
        if after.next_bar_frame(first) != before.next_bar_frame(first):
            if first <= self.listen_until_frame:
                self.listen_until_frame = after.next_bar_frame(self.listen_until_frame)
            self._take_metres()
            self._keep_committed()
            self._realise()
        return True

    def cue(self, wanted: str, now_s: float) -> None:
        """Do what the player asks of the band, from the first bar line that isn't committed yet.

        `wanted`: one of CUES. Out of an ending that was asked for the band comes back when the
        player plays after a bar of silence.
        """
        next_frame = math.floor(self.tempo_map.position_at(now_s)) + 1
        line = self.tempo_map.next_bar_frame(max(next_frame, self.committed_until_frame))
        match wanted:
            case "ending":
                self.finish()
                self._ending_asked = self._ending is not None
            case "last":
                self._lead.last_time(self.tempo_map.place(line))
            case _:
                self._band.cue(wanted, line, next_frame)
        self._fix(self._sent_until(now_s))
        self._keep_committed()
        self._realise()

    def use_song(self, song: Song | None, now_s: float, first_bar: int | None = None) -> None:
        """Have a song fix the chords, or (None) the agent alone: from the commit point on.

        first_bar: the bar of the session with which it begins. None: where the song that is played
        began, so that its bars can be changed; else the first bar line beyond the commit point.
        """
        self._fix(self._sent_until(now_s))
        line = self.tempo_map.next_bar_frame(self.committed_until_frame)
        self._lead.use(song, first_bar, self.tempo_map.place(line).bar)
        self._tune.forget()
        self._solo.tune = self._tune_state if self._has_tune else None
        self._take_role(self.committed_until_frame, again=True)
        self._commit_song()

    @property
    def _has_tune(self) -> bool:
        """Whether the song that is played has a melody."""
        return self._lead.playing is not None and self._lead.playing.song.has_tune

    def _tune_state(self, frame: int) -> MelodyState | None:
        """What the tune has in a frame, for an agent that leads with it."""
        return self._tune.state(self._lead.playing, self.tempo_map, self.settings, frame)

    def _wanted(self) -> list[Due]:
        """The notes of the tune that are the player's, of the beat before and those to come."""
        now = len(self.rows)
        beat = self.tempo_map.meter_at(now).frames_per_beat
        end = now + self._lookahead_frames()
        first = max(self.listen_until_frame, now - beat)
        playing = self._lead.playing
        return self._tune.wanted(playing, self.tempo_map, self.settings, first, end)

    def expected(self) -> tuple[ExpectedNote, ...]:
        """What the player is to play, where a tune is practised; else what the agent expects."""
        if self.practises:
            now = len(self.rows)
            end = now + self._lookahead_frames()
            playing = self._lead.playing
            return self._tune.shown(playing, self.tempo_map, self.settings, now - 1, end)
        return self.plan.expected_notes() if self.plan else ()

    @property
    def practises(self) -> bool:
        """Whether a tune is practised, so that what is expected is to be played."""
        off = self.settings.role == LEADS or self.settings.tune_plays == "off"
        return self._has_tune and not off

    def wait(self, now_s: float) -> bool:
        """Where the next key of the tune hasn't been struck, the music waits for it; True where
        that moves what is to come."""
        waits = self.settings.waits and self.practises and self._follower is None
        frame = self._tune.missing(self._wanted()) if waits else None
        held, self._held_frame = self._held_frame, None
        if held is not None and frame != held:  # it was struck: on from here
            self.tempo_map = self.tempo_map.held(held, now_s)
            return True
        if frame is None or frame < 1:
            return False
        if self.tempo_map.position_at(now_s) < frame - _WAIT_FROM:
            return False
        self._held_frame = frame
        self.tempo_map = self.tempo_map.held(frame, now_s + _WAIT_S)
        return True

    def keep(self, n_bars: int | None, now_s: float) -> Song:
        """Have the last whole bars go round and round from here on, as a song, which is returned.

        Its first bar is the one that is open now, so what was committed of that is the agent's
        still; in the last beat of a bar it is the next one, since feet are early. n_bars: None
        takes as many as the form that was found has. Raises BadInput where there are not so many
        bars with chords.
        """
        frame, first = len(self.rows), self.listen_until_frame
        rows = self.rows[first:]
        line = self.tempo_map.next_bar_frame(frame)
        beat = self.tempo_map.meter_at(frame).frames_per_beat
        if rows and line - frame <= beat and line <= self.committed_until_frame:
            rows += [Row(chord=state) for state in self._line[frame:line]]
            frame = line
        places = [self.tempo_map.place(f) for f in range(first, frame)]
        key = self.settings.key_lock or key_of(rows)
        symbols = {f - first: symbol for f, symbol in self._lead.symbols.items()}
        song = last_bars(rows, places, n_bars, key, self.settings.bpm, symbols)
        self.use_song(song, now_s, self.tempo_map.place(frame).bar)
        return song

    def judge(self, start_frame: int, stays: bool, now_s: float) -> bool:
        """A chord to come stays, or is to be planned anew without it; False where it is committed.

        start_frame: of its onset. What is committed of it stays in any case.
        """
        self._fix(self._sent_until(now_s))
        first = max(start_frame, self.committed_until_frame)
        if start_frame < 0 or first >= len(self._line):
            return False
        chord, end = self._line[first].chord, first + 1
        while end < len(self._line) and self._line[end] == ChordState(chord, False):
            end += 1
        if chord is None or self._line[start_frame].chord != chord:
            return False
        if stays:
            self._lead.pin(first, self._line[first:end])
        else:
            self._lead.bar(first, end, chord)
        return True

    # -- time goes on -----------------------------------------------------------------------

    def next_close_s(self) -> float:
        """When the frame that is open, or a chord of the left hand, will be complete."""
        close_s = self.tempo_map.seconds_at(len(self.rows) + 0.5) + self.waits_s
        return close_s if self._hand.due_s is None else min(close_s, self._hand.due_s)

    def advance(self, now_s: float) -> bool:
        """Close every frame that is complete at `now_s`; True when the agent is to be asked."""
        position = self.tempo_map.position_at(now_s)
        self._fix(self._sent_until(now_s))
        self.follow_hand(now_s)
        closed = False
        if self.waits_s:
            position = self.tempo_map.position_at(now_s - self.waits_s)
        while len(self.rows) + 0.5 <= position:
            frame = len(self.rows)
            sounding = self._melody.close(frame, self.settings.split_pitch)
            beat_frames = self.tempo_map.meter_at(frame).frames_per_beat
            melody = self._held.hold(sounding, beat_frames)
            melody = self._solo.close(frame, melody, self.tempo_map)
            self.rows.append(Row(melody, self._line[frame]))
            self._mind_the_player(frame, sounding)
            closed = True
        if (said := self._hand.go_on(self._moment(now_s))) is not None:
            self._say_hand(said, now_s)
        self._end_song()
        self._commit_song()
        if not closed and not self._asked_at_start:
            closed = self._asked_at_start = True  # a plan from nothing, before the first note
        return closed

    def request(self, delay_s: float = 0.0) -> PlanRequest:
        """What the agent has to know to plan on, from the last request's rows on.

        delay_s: so long the answer takes at least; what sounds before it can come is committed
        by the plan before.
        """
        self._delay_s = delay_s
        first = self._next_request_frame
        self._next_request_frame = next_frame = len(self.rows)
        lookahead, commit = self._lookahead_frames(), self._commit_frames(self.settings)
        end = next_frame + max(lookahead, commit)
        leading = self._lead.is_leading
        return PlanRequest(
            first_frame=first,
            rows=tuple(self.rows[first:]),
            committed=tuple(self._line[next_frame : self.committed_until_frame]),
            places=tuple(self.tempo_map.place(frame) for frame in range(first, end)),
            lookahead_frames=end - next_frame,
            commit_frames=commit,
            silent_until_frame=self.listen_until_frame,
            settings=conditioned(self.settings, self._band.newest_style),
            due_s=self._moment(0.0).sent_at_s(
                max(next_frame, self.committed_until_frame, self.listen_until_frame)
            ),
            fixed=tuple(map(self._fixed, range(next_frame, end))) if leading else (),
            goals=tuple(self._lead.goals(next_frame, self._goals_end(end), self._fixed))
            if leading
            else (),
            form_bars=self._lead.form_bars,
            form=tuple(self._lead.in_form(self.tempo_map, next_frame, end)),
            barred=self._lead.barred,
            solo=self._solo.request(next_frame, end, self.listen_until_frame, self.tempo_map),
        )

    def forget_requests(self) -> None:
        """The agent is new: the next request tells it the whole history."""
        self._next_request_frame = 0

    def take(self, plan: Plan, now_s: float) -> Plan:
        """Take over a plan: everything beyond what is committed or has begun is replaced.

        Returns the plan as it was taken over: what had begun before it came is what sounded; where
        the one before had run out, what this one holds is struck; where the music ends because the
        player has stopped, it has the chords of the ending instead of the agent's.
        """
        self._fix(self._sent_until(now_s))
        self.late_plans += self._is_late
        self._is_late = False
        commit = self._commit_frames(self.settings)
        self._solo.take(plan, self._sent_until(now_s), commit, self.tempo_map)
        is_stale = plan.start_frame <= self._hand.stale_until_frame
        if not is_stale and plan.end_frame == self._lead.until_frame:
            self.plan = self._as_it_sounds(plan)  # a song has committed all of it
        if is_stale or plan.end_frame <= self.committed_until_frame:
            return self._as_it_sounds(plan)
        first = max(self.committed_until_frame, plan.start_frame)
        del self._line[first:]
        for frame in range(len(self._line), plan.end_frame):
            state = plan.chords[frame - plan.start_frame]
            before = self._line[-1] if self._line else NO_CHORD
            fixed = self._fixed(frame)
            state = spliced(state, before) if fixed is None else struck(fixed, before)
            if fixed is None:
                self._lead.said(frame, AGENT)
            else:
                self._lead.song(frame, state, self.tempo_map.place(frame))
            self._line.append(state)
            self._confidence[frame] = plan.confidence[frame - plan.start_frame]
        if self._ending is not None:
            self._line = overruled(self._ending, self._line, first)
        plan = self._as_it_sounds(plan)
        self._keep_committed()
        self.committed_until_frame = max(
            self.committed_until_frame, min(plan.committed_until_frame, plan.end_frame)
        )
        self.plan = plan
        back = self._ending.back_frame if self._ending else None
        if back is not None and self.committed_until_frame > back:
            self._ending = None
        self._realise()
        self._commit_song()
        return plan

    def _as_it_sounds(self, plan: Plan) -> Plan:
        known = tuple(self._line[plan.start_frame : plan.end_frame])
        return replace(plan, chords=known + plan.chords[len(known) :])

    def _fixed(self, frame: int) -> Fixed:
        """What the song has at a frame; None where it isn't the song that says what sounds."""
        if not self._lead.is_leading or self._rests(frame):
            return None
        place = self.tempo_map.place(frame)
        if self._lead.is_over(place):
            return None
        pinned = self._lead.pinned(frame)
        return self._lead.fixed(place, self.settings.reharmonise) if pinned is None else pinned

    def _end_song(self) -> None:
        """After the last chorus a cadence and rest, once it can be seen from here."""
        if self._lead.last_chorus is None or self._ending is not None:
            return
        first = max(self.committed_until_frame, self.listen_until_frame)
        line = self._lead.ends_at(self.tempo_map, first, len(self._line))
        if line is None:
            return
        last = self._line[line - 1].chord if 0 < line <= len(self._line) else None
        key = self.settings.key_lock or self._lead.key or key_of(self.rows)
        self._keep_committed()
        self._ending = ending_from(line, self.tempo_map, last, key)
        self._ending_asked = True
        self._line = overruled(self._ending, self._line, first)
        self._realise()

    def _rests(self, frame: int) -> bool:
        """True where neither song nor agent says what sounds: in listening, and in an ending."""
        if frame < self.listen_until_frame:
            return True
        return self._ending is not None and self._ending.holds(frame)

    def _goals_end(self, end: int) -> int:
        """A bar beyond the end of what is planned."""
        return end + self.tempo_map.meter_at(end).frames_per_bar

    def _take_metres(self) -> None:
        """The song's metres, as far as anything can be planned."""
        if self._lead.playing is not None and self._leads_metre:
            now = len(self.rows)
            ahead = max(self._lookahead_frames(), self._commit_frames(self.settings)) + 1
            end = max(now + ahead, self.committed_until_frame + 1)
            self.tempo_map = self._lead.with_its_metres(self.tempo_map, now, end)

    def _commit_song(self) -> None:
        """What the song fixes next is committed to the end of the lookahead, without the agent."""
        if self._lead.playing is None:
            return
        end = len(self.rows) + max(self._lookahead_frames(), self._commit_frames(self.settings))
        self._take_metres()
        first = self.committed_until_frame
        before = self._line[first - 1] if first else NO_CHORD
        states = self._lead.states(first, end, before, self._fixed)
        if not states:
            return
        self._keep_committed()
        end = first + len(states)
        write(self._line, first, states)
        for frame in range(first, end):
            self._confidence.pop(frame, None)
        self._lead.commit(first, states, self.tempo_map)
        self.committed_until_frame = end
        self._realise()

    # -- the left hand ----------------------------------------------------------------------

    def follow_hand(self, now_s: float) -> bool:
        """Do as the left hand says; True where that changes what will sound."""
        frame = min(max(0, math.floor(self.tempo_map.position_at(now_s))), len(self._line) - 1)
        sounds = self._line[frame].chord if frame >= 0 else None
        found = self._hand.follow(self._moment(now_s), sounds, not self._ending_asked)
        match found:
            case Said():
                self._ending = None
                self._say_hand(found, now_s)
            case LetGo():
                self._lead_again(found.first_frame, now_s)
        return found is not None

    def _say_hand(self, said: Said, now_s: float) -> None:
        """Commit the left hand's chord, whatever was committed there."""
        first, end = said.first_frame, said.end_frame
        self._keep_committed()
        self._band.reopen(first, self.tempo_map.position_at(now_s))
        write(self._line, first, ())
        states = said.states(self._line[first - 1] if first else NO_CHORD)
        write(self._line, first, states)
        for frame in range(first, end):
            self._confidence.pop(frame, None)
        self._lead.hand(first, states, said.held)
        if self._hand_began_frame is None:
            self._hand_began_frame = first
        self.committed_until_frame = max(self.committed_until_frame, end)
        self._realise()

    def _lead_again(self, first: int, now_s: float) -> None:
        """The left hand rests: from frame `first` on song and agent lead."""
        self._keep_committed()
        self._band.reopen(first, self.tempo_map.position_at(now_s))
        self._lead.reopen(first, len(self._line))
        self.committed_until_frame = first
        self._realise()
        self._commit_song()

    def _moment(self, now_s: float) -> Moment:
        now = len(self.rows)
        horizon = now + max(self._lookahead_frames(), self._commit_frames(self.settings))
        return Moment(now_s, self.tempo_map, self.settings, now, horizon)

    def _sent_until(self, now_s: float) -> int:
        """Frames before this one have begun, or are sent early because of the latency offset."""
        return self._moment(now_s).sent_until_frame

    def _fix(self, until_frame: int) -> None:
        """Frames that have begun are committed, planned or not.

        Where the plan has run out the last chord lasts to the next bar line and rests there.
        """
        while len(self._line) < until_frame:
            frame = len(self._line)
            before = self._line[-1] if self._line else NO_CHORD
            rests = self.tempo_map.place(frame).frame_in_bar == 0
            fixed = self._fixed(frame)
            if fixed is None and not self._rests(frame):  # nothing came for a chord to be replaced
                fixed = self._lead.fixed(self.tempo_map.place(frame))
            if fixed is not None:
                self._line.append(struck(fixed, before))
                self._lead.song(frame, self._line[frame], self.tempo_map.place(frame))
            else:
                self._line.append(NO_CHORD if rests else ChordState(before.chord, False))
        for frame in range(max(self.committed_until_frame, self.listen_until_frame), until_frame):
            # It began before it was committed, and no plan was made for it just before either.
            if frame > self._hand.stale_until_frame + 1:
                self._is_late |= self.plan is None or self.plan.start_frame < frame
        self.committed_until_frame = max(self.committed_until_frame, until_frame)

    # -- what will sound --------------------------------------------------------------------

    def _keep_committed(self) -> None:
        """What starts in the frames committed so far is in the memory from now on."""
        oldest = (
            len(self.rows) - _KEPT_BARS * self.tempo_map.meter_at(len(self.rows)).frames_per_bar
        )
        self._band.keep(self.committed_until_frame, oldest)
        newest_before = max((f for f in self._confidence if f < oldest), default=oldest)
        for frame in [f for f in self._confidence if f < newest_before]:
            del self._confidence[frame]
        self._lead.forget(oldest)

    def _realise(self) -> None:
        """Notes from the first frame whose notes are not in the memory to the end of the plan."""
        if not self._line:
            return
        ending, final = self._ending, None
        if ending is not None and (
            ending.back_frame is None or ending.final_frame < ending.back_frame
        ):
            final = ending.final_frame
        begins = self.listen_until_frame
        if self._hand_began_frame is not None:
            begins = min(begins, self._hand_began_frame)
        self._band.realise(
            self._line,
            self.tempo_map,
            self.settings,
            self._presence.loudness,
            begins,
            self.committed_until_frame,
            final,
            self._lead.symbols,
            self._lead.form(self.tempo_map, self._band.kept_until_frame, len(self._line)),
            self._confidence,
        )

    def _mind_the_player(self, frame: int, sounding: MelodyState) -> None:
        """A frame is closed: does the player go on, play dense, stop, come back?"""
        presence, place = self._presence, self.tempo_map.place(frame)
        presence.close(frame, sounding)
        listens = self.practises and self.settings.tune_plays == "all"
        if listens or self._hand.chord is not None or self._solo.is_mine(frame, self.tempo_map):
            presence.last_heard_frame = frame
        if place.frame_in_bar == place.meter.frames_per_bar - 1:
            line = self.tempo_map.next_bar_frame(max(frame + 1, self.committed_until_frame))
            self._band.mind(presence, frame + 1, place.meter, line)
        heard = presence.last_heard_frame
        if not self._follows_stops or heard is None or frame < self.listen_until_frame:
            return
        if frame - heard >= place.meter.frames_per_bar:
            self._ending_asked = False
        if heard == frame:
            self._go_on()
        elif (
            frame - max(heard, self.listen_until_frame)
            >= _STOPPED_BARS * place.meter.frames_per_bar
        ):
            self.finish()

    def finish(self) -> None:
        """The player has stopped: come to a cadence with the next bar line, and rest."""
        if self._ending is not None and self._ending.back_frame is None:
            return
        committed = max(self.committed_until_frame, self.listen_until_frame)
        last = self._line[committed - 1].chord if 0 < committed <= len(self._line) else None
        if last is None:  # nothing sounds that could be ended
            if self._ending is not None:
                self._ending = replace(self._ending, back_frame=None)
            return
        bar = self.tempo_map.meter_at(committed).frames_per_bar
        key = self.settings.key_lock or self._lead.key or key_of(self.rows[-_KEY_BARS * bar :])
        self._ending = ending_from(committed, self.tempo_map, last, key)

    def _go_on(self) -> None:
        """The player plays: an ending that is under way is called off."""
        if self._ending is None or self._ending.back_frame is not None:
            return
        if self._ending_asked:
            return
        committed = self.committed_until_frame
        resting = committed > 0 and self._line[committed - 1].chord is None
        self._ending = come_back(self._ending, committed, resting, self.tempo_map)
        back = None if self._ending is None else self._ending.back_frame
        if back is not None and self._lead.last_chorus is not None:
            self._lead.again(self.tempo_map.place(self.tempo_map.next_bar_frame(back)).bar)

    @property
    def ending(self) -> Ending | None:
        """How the music ends or has ended, when the player has stopped."""
        return self._ending

    def style_at(self, frame: int) -> Style:
        """The style in force in the bar of a frame."""
        return self._band.style_at(frame)

    def place_in_form(self, frame: int) -> PlaceInForm | None:
        """Where in the form of the song that is played a frame is; None without one."""
        return self._lead.place_in_form(self.tempo_map.place(frame).bar)

    def notes(self) -> list[PlannedNote]:
        """What the agent plays: the last bars' notes, those sounding, and the plan's."""
        band = self._band.notes()
        if self.practises:
            now = len(self.rows)
            end = now + self._lookahead_frames()
            band += self._tune.played(self._lead.playing, self.tempo_map, self.settings, now, end)
        if not self._solo.is_active:
            return band
        band = [n for n in band if n.part != "chords" or not self._is_left_out(n)]
        feel, style_at = self.settings.feel, self._band.style_at
        frames = {f + i for f in self._solo.frames for i in (0, 1)}
        swung = {f: swung_frame(f, self.tempo_map, style_at(f), feel) for f in frames}
        return band + self._solo.notes(self.tempo_map, swung)

    def _is_left_out(self, note: PlannedNote) -> bool:
        """Whether the player plays the chords there."""
        frame = max(0, math.floor(note.start_frame + 0.5))
        return self._solo.lays_out(self.tempo_map.place(frame).bar)

    def turn(self) -> Turn | None:
        """Whose turn it is; None where the agent only accompanies."""
        return self._solo.turn(len(self.rows), self.tempo_map)

    def clicks(self, now_s: float) -> list[PlannedNote]:
        """The metronome's next beats, from the count-in on. Whose tempo is followed hears none
        after it.
        """
        clicks = self.settings.metronome and self.settings.beat_from != PLAYER
        if not clicks and self.tempo_map.position_at(now_s) >= 0:
            return []
        frame = math.floor(self.tempo_map.position_at(now_s + min(0.0, self.settings.lead_s)))
        count_in = -self.settings.count_in_bars * self.tempo_map.meter_at(0).frames_per_bar
        end = frame + 3 * self.tempo_map.meter_at(frame).frames_per_bar
        if not clicks:
            end = min(end, 0)
        chosen = self.settings.metronome_sound, self.settings.clicks
        return metronome(self.tempo_map, max(frame - 1, count_in), end, *chosen)

    def recent_tempo_map(self) -> TempoMap:
        """Of the last bars and of what is to come: after an hour the whole one is long."""
        frame = len(self.rows)
        bars = _SHOWN_BARS * self.tempo_map.meter_at(frame).frames_per_bar
        return self.tempo_map.since(frame - bars)

    def chord_spans(self) -> tuple[ChordSpan, ...]:
        """Chords of the last bars and of the plan, for the screen."""
        bar = self.tempo_map.meter_at(len(self.rows)).frames_per_bar
        first = max(0, len(self.rows) - _KEPT_BARS * bar)
        spans: list[ChordSpan] = []
        chords: list[Chord] = []
        for frame in range(first, len(self._line)):
            state = self._line[frame]
            if state.chord is None:
                continue
            if spans and not state.onset and spans[-1].end_frame == frame:
                spans[-1] = replace(spans[-1], end_frame=frame + 1)
                continue
            written = self._lead.symbols.get(frame)
            chords.append(state.chord)
            spans.append(
                ChordSpan(
                    state.chord.symbol if written is None else written.written,
                    frame,
                    frame + 1,
                    frame < self.committed_until_frame,
                    self._confidence.get(frame, 1.0),
                    self._lead.source(frame),
                )
            )
        if self.settings.hide_chords:
            pairs = zip(spans, chords, strict=True)
            return tuple(s if self._is_found(s, c) else replace(s, symbol=HIDDEN) for s, c in pairs)
        return tuple(spans)

    def _is_found(self, span: ChordSpan, chord: Chord) -> bool:
        """Whether the player has named a chord while it sounded."""
        return is_found(chord, self._solo.struck(span.start_frame, span.end_frame))

    def seen(self) -> list[PlannedNote]:
        """Of the notes those that may be seen: what is to be found by ear is not."""
        hidden = {"drums"}
        if self._solo.is_hidden:
            hidden.add(SOLO)
        seen = [n for n in self.notes() if n.part not in hidden]
        if not self.settings.hide_chords:
            return seen
        found = [s for s in self.chord_spans() if s.symbol != HIDDEN]
        return [
            n
            for n in seen
            if n.part not in ("chords", "bass")
            or any(s.start_frame <= n.start_frame < s.end_frame for s in found)
        ]

    @property
    def planned_until_frame(self) -> int:
        """There are chords before this frame: the agent's, the song's or the hand's."""
        planned = self.plan.end_frame if self.plan is not None else 0
        return max(planned, self._lead.until_frame)

    def phase(self, now_s: float) -> str:
        """ "count-in", "listening", "playing", "resting", or "behind": the plan has run out."""
        position = self.tempo_map.position_at(now_s)
        if position < 0:
            return "count-in"
        if position < self.listen_until_frame:
            return "listening"
        if position >= self.planned_until_frame:
            return "behind"
        if self._ending is not None and position >= self._ending.rest_frame:
            return "resting"
        return "playing"

    def sources(self, first_frame: int) -> list[tuple[int, str]]:
        """(frame, one of SOURCES) of every frame closed since that has a chord: who said it.

        Those that left the screen long ago count as the agent's.
        """
        return [
            (frame, self._lead.source(frame))
            for frame in range(first_frame, len(self.rows))
            if self._line[frame].chord is not None
        ]

    @property
    def playing(self) -> SongInPlay | None:
        """The song that is played, and where it began."""
        return self._lead.playing

    def chord_line(self) -> tuple[ChordState, ...]:
        """The chord of every frame so far, for records."""
        return tuple(self._line[: len(self.rows)])

    def _lookahead_frames(self) -> int:
        meter = self.tempo_map.meter_at(len(self.rows))
        return self.settings.lookahead_beats * meter.frames_per_beat

    def _commit_frames(self, settings: JamSettings) -> int:
        """What is sent before its time has to be fixed before its time."""
        frame = len(self.rows)
        lead_s = max(0.0, settings.lead_s) + self._delay_s
        sent_ahead = math.ceil(lead_s / self.tempo_map.frame_s_at(frame)) + 1
        wanted = settings.commit_beats * self.tempo_map.meter_at(frame).frames_per_beat
        return max(wanted, sent_ahead) if lead_s > 0 else wanted
