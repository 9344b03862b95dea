"""The protocol of anticipation: history and commitments in, a plan out. No threads, no devices.

Per frame t the chord is chosen first, so it never sees the melody note of its own frame:
p(y_t | x_<t, y_<t), then p(x_t | x_<t, y_<=t), the online factorisation of ReaLchords
(arXiv 2506.14723). The dice of frame t are a function of (seed, t) alone, so a plan changes
only where the player did something unexpected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jam.agent.merits import WEIGHT, is_sure, merits, places_from, with_kinds_of
from jam.agent.moves import leading, returning, still_sounds
from jam.agent.predictor import Logits, Mask, Predictor, draw, gumbel_noise, is_banned
from jam.messages.plans import InForm, Plan, PlanRequest
from jam.music.chord import Chord
from jam.music.grid import Place
from jam.music.palette import allowed_chords
from jam.music.rows import (
    CHORD_FIRST,
    HOLD,
    N_CHORD_CLASSES,
    NO_CHORD,
    REST,
    ChordState,
    MelodyState,
    Row,
    chord_class,
    chord_of_class,
    chord_state,
    melody_state,
    onset_class,
)
from jam.settings import JamSettings

_CHORD_DICE = 0
"""Which of the dice of a frame; a soloist has others."""


def _forbidden(settings: JamSettings) -> Mask | None:
    """Which chord classes key lock and palette rule out."""
    allowed = allowed_chords(settings.palette, settings.key_lock)
    if allowed is None:
        return None
    mask = np.zeros(N_CHORD_CLASSES, dtype=bool)
    for class_ in range(CHORD_FIRST, N_CHORD_CLASSES):
        mask[class_] = chord_of_class(class_) not in allowed
    return mask


def _planning(settings: JamSettings) -> tuple[object, ...]:
    """The settings that change what is planned, beyond lookahead."""
    return (
        settings.commit_beats,
        settings.temperature,
        settings.style,
        settings.density,
        settings.key_lock,
        settings.palette,
        settings.foresight_beats,
        settings.adventurous,
    )


def _conditions(settings: JamSettings) -> tuple[object, ...]:
    """The settings that the predictor takes at its reset."""
    return settings.style, settings.density, settings.adventurous


class Anticipator:
    """The agent without its process: keeps the predictor's rows along the plan and answers.

    The rows held are history, then what was expected. A row that comes as expected costs one
    new frame at the end; a surprise rolls back to the first frame that differs. `plan` gives
    the same answer either way. Not thread-safe.
    """

    def __init__(self, predictor: Predictor, seed: int = 0) -> None:
        self.predictor = predictor
        self.seed = seed
        self._rows: list[Row] = []
        """History as the predictor knows it: chords of the listening bars are its memory."""
        self._places: list[Place] = []
        self._fed: list[tuple[Row, Place]] = []
        """What the predictor holds: history, then the plan's rows."""
        self._confidence: list[float] = []
        self._settings: JamSettings | None = None
        self._mask: Mask | None = None
        self._heard: int | None = None
        """So many rows have been harmonised as a whole; None where it is to be done anew."""
        self._memory_end = 0
        """Rows before it have the chords of the agent's memory."""
        self._agreed = 0
        """So many of the rows fed are known to be those of history."""
        self._barred: tuple[tuple[int, int, Chord], ...] = ()
        """What the player won't have, and where."""
        self._by_song: set[int] = set()
        """Frames of the plan whose chords are a song's."""
        self._goals: Goals = ()
        self._form_bars: int | None = None
        self._form: tuple[InForm, ...] = ()
        self._form_at = 0
        """What the form says of the frames from this one on."""
        self._led: dict[int, tuple[Goal, InForm | None]] = {}
        """Where the chords that were planned lead, and what the form said of them, by frame."""

    @property
    def n_rows(self) -> int:
        """How many rows of the history it has been told."""
        return len(self._rows)

    def change_predictor(self, predictor: Predictor) -> None:
        """Plan with another predictor from now on. What was heard and played stays known."""
        self.predictor = predictor
        self._settings = None  # the next request resets it and feeds it everything

    @property
    def history(self) -> tuple[Sequence[Row], Sequence[Place]]:
        """The rows that were closed, with the chords of the agent's memory, and their places."""
        return self._rows, self._places

    def plan(self, request: PlanRequest, enough: Callable[[], bool] | None = None) -> Plan:
        """Take over the rows that were closed and plan from the next frame on.

        enough: asked from a beat beyond the commit point on; where it says so, the plan ends
        there, and the next one goes on from it. What is planned doesn't depend on it.
        Raises ValueError when the request doesn't continue the rows known.
        """
        self._take_settings(request.settings)
        self._take_form(request.form_bars)
        self._take_rows(request)
        if new := set(request.barred) - set(self._barred):
            # From there on it is planned anew.
            self._truncate(max(len(self._rows), min(start for start, _, _ in new)))
        self._barred = request.barred
        start = request.next_frame
        end = start + request.lookahead_frames
        silent_until = request.silent_until_frame
        if end <= silent_until:  # still only listening
            nothing = request.lookahead_frames
            return Plan(
                start - 1,
                start,
                start,
                (NO_CHORD,) * nothing,
                (REST,) * nothing,
                (1.0,) * nothing,
                self.predictor.name,
            )
        self._remember(request)
        self._goals = request.goals
        self._form, self._form_at = request.form, start
        committed = {
            start + i: state
            for i, state in enumerate(request.committed)
            if start + i >= silent_until
        }
        by_song = {
            start + i: state
            for i, state in enumerate(request.fixed)
            if state is not None and start + i >= silent_until and start + i not in committed
        }
        own = request.solo.known if request.solo is not None else {}
        self._feed_history(start, committed, by_song, own, request)
        fixed_until = start + max(len(request.committed), request.commit_frames)
        least = fixed_until + request.places[-1].meter.frames_per_beat
        for frame in range(len(self._fed), end):
            if frame >= least and enough is not None and enough():
                end = frame
                break
            place = request.places[frame - request.first_frame]
            before = self._fed[-1][0] if self._fed else Row()
            if (fixed := committed.get(frame)) is not None:
                chord, probability = fixed, 1.0
            elif (said := by_song.get(frame)) is not None:
                changes = said.onset or said.chord != before.chord.chord
                strikes = changes or frame == silent_until
                chord, probability = ChordState(said.chord, strikes and said.chord is not None), 1.0
                self._by_song.add(frame)
            else:
                chord, probability = self._draw_chord(frame, place, before.chord, silent_until)
            melody = own.get(frame) or self._expected_melody(place, before.melody, chord)
            row = Row(melody, chord)
            self.predictor.extend([row], [place])
            self._fed.append((row, place))
            self._confidence.append(probability)
        planned = [row for row, _ in self._fed[start:end]]
        chords = tuple(
            NO_CHORD if frame < silent_until else row.chord
            for frame, row in enumerate(planned, start)
        )
        return Plan(
            start - 1,
            start,
            min(fixed_until, end),
            chords,
            tuple(row.melody for row in planned),
            tuple(self._confidence[start:end]),
            self.predictor.name,
        )

    def _take_settings(self, settings: JamSettings) -> None:
        old = self._settings
        if old is not None and _planning(old) == _planning(settings):
            return
        self._settings = settings
        self._mask = _forbidden(settings)
        if old is None or _conditions(old) != _conditions(settings):
            # Conditions belong to the whole sequence: everything is fed anew.
            self.predictor.reset(settings)
            self.predictor.form(self._form_bars)
            self._fed.clear()
            self._confidence.clear()
            self._agreed = 0
            self._heard = None  # the harmoniser knows them too
        else:
            # What is not committed is planned again; the commit point is known in `plan`.
            self._truncate(len(self._rows))

    def _take_form(self, bars: int | None) -> None:
        if bars != self._form_bars:
            self._form_bars = bars
            self._truncate(len(self._rows))
            self.predictor.form(bars)

    def _take_rows(self, request: PlanRequest) -> None:
        if request.first_frame > len(self._rows):
            raise ValueError(
                f"rows from frame {request.first_frame} on, but {len(self._rows)} are known"
            )
        del self._rows[request.first_frame :], self._places[request.first_frame :]
        self._agreed = min(self._agreed, request.first_frame)
        self._rows.extend(request.rows)
        self._places.extend(request.places[: len(request.rows)])
        if request.first_frame < self._memory_end:
            self._heard = None  # the listening bars are told anew

    def _remember(self, request: PlanRequest) -> None:
        """Chords for the bars that were only heard: never played, but the agent's memory.

        At the end of listening all of it is harmonised as a whole (as ReaLJam does); before that,
        the bars that are complete are. What came since, the agent remembers as it thought it.
        All this is a function of the rows and of the predictor's conditions, so an agent that is
        told everything late has the same memory.
        """
        silent_until = request.silent_until_frame
        end = heard = min(len(self._rows), silent_until)
        if end < silent_until:
            heard = max((f for f in range(end) if self._places[f].frame_in_bar == 0), default=0)
        if self._heard != heard:
            melody = [row.melody for row in self._rows[:heard]]
            chords = self.predictor.harmonise(melody, self._places[:heard]) if heard else []
            self._rows[:heard] = [Row(m, c) for m, c in zip(melody, chords, strict=True)]
            self._heard = self._memory_end = heard
            self._agreed = 0
        for frame in range(self._memory_end, end):
            self._hold_history(frame)
            if frame < len(self._fed):
                chord = self._fed[frame][0].chord
            else:
                before = self._fed[-1][0].chord if self._fed else NO_CHORD
                chord, _ = self._draw_chord(frame, self._places[frame], before, silent_until)
            self._rows[frame] = Row(self._rows[frame].melody, chord)
        self._memory_end = max(self._memory_end, end)

    def _hold_history(self, n_rows: int) -> bool:
        """Make the predictor hold the first `n_rows` of history; True when it held them already.

        Then what it holds beyond them is still the plan that was made from them.
        """
        while self._agreed < min(n_rows, len(self._fed)):
            known = (self._rows[self._agreed], self._places[self._agreed])
            if self._fed[self._agreed] != known:
                break
            self._agreed += 1
        if self._agreed >= n_rows:
            return True
        self._truncate(self._agreed)
        rows, places = self._rows[self._agreed : n_rows], self._places[self._agreed : n_rows]
        self.predictor.extend(rows, places)
        self._fed.extend(zip(rows, places, strict=True))
        self._confidence.extend([1.0] * len(rows))
        self._agreed = n_rows
        return False

    def _feed_history(
        self,
        start: int,
        committed: dict[int, ChordState],
        by_song: dict[int, ChordState],
        own: Mapping[int, MelodyState],
        request: PlanRequest,
    ) -> None:
        """Make the predictor hold exactly the history, and of the old plan what still holds."""
        was_by_song, self._by_song = self._by_song, set()
        if not self._hold_history(start):
            return
        for frame in range(start, len(self._fed)):
            row, place = self._fed[frame]
            offset = frame - request.first_frame
            if (
                offset >= len(request.places)
                or place != request.places[offset]
                or committed.get(frame, row.chord) != row.chord
                or own.get(frame, row.melody) != row.melody
                or ((said := by_song.get(frame)) is not None and said.chord != row.chord.chord)
                # What a song had fixed is the agent's again.
                or (frame in was_by_song and frame not in by_song and frame not in committed)
                or (
                    frame not in committed
                    and frame not in by_song
                    and frame >= request.silent_until_frame
                    and self._leads(frame, place) != self._led.get(frame)
                )
            ):
                self._truncate(frame)
                break
            if frame in by_song:
                self._by_song.add(frame)

    def _truncate(self, n_rows: int) -> None:
        if n_rows < len(self._fed):
            self.predictor.rewind(n_rows)
            del self._fed[n_rows:], self._confidence[n_rows:]
            self._agreed = min(self._agreed, n_rows)

    def _mask_at(self, frame: int) -> Mask | None:
        """Which chord classes are ruled out there, by the settings or by the player."""
        mask = self._mask
        for start, end, chord in self._barred:
            if start <= frame < end:
                mask = np.zeros(N_CHORD_CLASSES, dtype=bool) if mask is None else mask.copy()
                mask[chord_class(ChordState(chord, True))] = True
        return mask

    def _draw_chord(
        self, frame: int, place: Place, before: ChordState, silent_until: int
    ) -> tuple[ChordState, float]:
        settings = self._settings
        assert settings is not None
        # A thought mustn't depend on settings that may change until it matters.
        mask = self._mask_at(frame) if frame >= silent_until else None
        logits = self.predictor.chord_logits(place, mask)
        goal, form = self._leads(frame, place) if frame >= silent_until else (None, None)
        self._led[frame] = goal, form
        if goal is not None:
            logits = logits + leading(goal[1], goal[0] - frame, before.chord)
        if form is not None and form.again is not None and silent_until <= form.again < frame:
            logits = logits + returning(self._fed[form.again][0].chord, before.chord)
        noise = gumbel_noise(self.seed, frame, _CHORD_DICE, N_CHORD_CLASSES)
        if frame < silent_until:
            class_, probability = draw(logits, 1.0, noise)
        else:
            if mask is not None:
                logits = np.where(mask, np.float32(-1e9), logits)
            # The first chord that is heard has to be struck; one that was forbidden while it
            # sounds goes at the next beat.
            is_forbidden = mask is not None and is_banned(before, mask) and place.strength >= 1
            if frame == silent_until or is_forbidden:
                logits = logits.copy()
                logits[HOLD] = -1e9
            class_, probability = draw(logits, settings.temperature, noise)
            # Whether the chord changes is left to the dice; one that is struck again stays.
            changes = class_ >= CHORD_FIRST and chord_of_class(class_) != before.chord
            if changes and settings.foresight_beats and settings.temperature > 0:
                class_, probability = self._weighed(
                    frame, place, logits, settings, before.chord, goal, form
                )
        state = chord_state(class_, before)
        if chord_class(state, before) == HOLD:
            state = ChordState(state.chord, False)
        return state, probability

    def _leads(self, frame: int, place: Place) -> tuple[Goal, InForm | None]:
        """Where a chord of this frame leads, and what the form says of it."""
        at = frame - self._form_at
        form = self._form[at] if 0 <= at < len(self._form) else None
        return goal_of(frame, place, self._goals), form

    def _weighed(
        self,
        frame: int,
        place: Place,
        logits: Logits,
        settings: JamSettings,
        before: Chord | None,
        goal: Goal,
        form: InForm | None,
    ) -> tuple[int, float]:
        """A new chord, drawn again: what may sound then, where the chord before leads and what
        leads to the goal weigh in (`jam.agent.merits`), unless the predictor is sure of one.

        What may sound is foreseen from as long before as chords are committed. What was played
        until there is known when the chord is decided; what came since may only be expected.
        """
        onsets = logits.copy()
        onsets[:CHORD_FIRST] = -1e9
        if before is not None:
            onsets[onset_class(before)] = -1e9
        weighed = onsets
        if not is_sure(onsets):
            per_beat = place.meter.frames_per_beat
            ahead = places_from(place, settings.foresight_beats * per_beat)
            # A plan is made when a frame is over: one frame less is unheard.
            lead = max(0, settings.commit_beats * per_beat - 1)
            sounding = self.predictor.foreseen(ahead, lead)
            after = None if goal is None else (goal[1], still_sounds(goal[0] - frame))
            closes = None if form is None else form.closes
            # In nats at any temperature: worth is no less where more is left to chance.
            worth = settings.temperature * WEIGHT * merits(sounding, before, place, after, closes)
            weighed = with_kinds_of(onsets + worth.astype(np.float32), onsets)
        noise = gumbel_noise(self.seed, frame, _CHORD_DICE, N_CHORD_CLASSES)
        drawn, _ = draw(weighed, settings.temperature, noise)
        shares = np.exp((logits - logits.max()).astype(np.float64) / settings.temperature)
        return drawn, float(shares[drawn] / shares.sum())

    def _expected_melody(self, place: Place, before: MelodyState, chord: ChordState) -> MelodyState:
        """The likeliest: one that is drawn would be wrong more often, and chords follow it."""
        logits = self.predictor.melody_logits(place, chord)
        return melody_state(int(logits.argmax()), before)


Goal = tuple[int, Chord] | None
Goals = tuple[tuple[int, Chord], ...]


def goal_of(frame: int, place: Place, goals: Goals) -> Goal:
    """Where the chord of a frame leads: the next goal within a bar."""
    end = frame + place.meter.frames_per_bar
    return next((goal for goal in goals if frame < goal[0] <= end), None)
