"""What each key does on the page Review, in the order of the list under F1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from jam.sessions.session import MAX_RATING
from ui.common.pages import REVIEW
from ui.review.details import Details
from ui.review.edits import Edits
from ui.review.model import ReviewModel
from ui.review.playback_actions import PlaybackActions
from ui.review.rewriting import Rewriting
from ui.review.roll import Roll
from ui.review.tasks import Tasks
from ui.shortcuts.actions import Action

PLAYBACK, MARKS, SESSIONS = "Review: playback", "Review: marks", "Review: sessions"
REWRITING = "Review: rewriting"


def playback_actions(model: ReviewModel, playback: PlaybackActions, roll: Roll) -> Iterator[Action]:
    """Hearing and seeing the take in front."""
    group = PLAYBACK
    yield Action("Play or pause", group, ("Space",), playback.play_pause, REVIEW)
    steps = (
        ("Forward one beat", "Right", 1, False),
        ("Back one beat", "Left", -1, False),
        ("Forward one bar", "Shift+Right", 1, True),
        ("Back one bar", "Shift+Left", -1, True),
    )
    for title, key, by, bars in steps:
        yield Action(title, group, (key,), partial(playback.step, by, bars), REVIEW, True)
    yield Action("Go to start", group, ("Home",), playback.to_start, REVIEW)
    yield Action("Go to end", group, ("End",), playback.to_end, REVIEW)
    yield Action("Faster", group, ("Up",), partial(playback.change_speed, 1), REVIEW, True)
    yield Action("Slower", group, ("Down",), partial(playback.change_speed, -1), REVIEW, True)
    yield Action("Loop from here", group, ("[",), partial(playback.loop_edge, False), REVIEW)
    yield Action("Loop to here", group, ("]",), partial(playback.loop_edge, True), REVIEW)
    yield Action("Loop this bar on/off", group, ("\\",), playback.toggle_loop, REVIEW)
    yield Action("Switch take (A/B)", group, ("Q",), model.other_take, REVIEW)
    yield Action("Follow on/off", group, ("V",), model.toggle_follows, REVIEW)
    yield Action("Show/hide plan", group, ("Ctrl+H",), model.toggle_plan_lane, REVIEW)
    yield Action("Zoom in", group, ("PgDown",), partial(roll.zoom_by, 1), REVIEW, True)
    yield Action("Zoom out", group, ("PgUp",), partial(roll.zoom_by, -1), REVIEW, True)
    yield Action("Zoom to fit", group, ("Shift+Home",), roll.fit_all, REVIEW)


def rewriting_actions(rewriting: Rewriting) -> Iterator[Action]:
    """Bars composed again, and notes and chords edited by hand."""
    group, hand = REWRITING, rewriting.by_hand
    change = hand.change
    yield Action("Compose again", group, ("R",), rewriting.compose, REVIEW)
    yield Action("Show/hide rewriting", group, ("Shift+R",), rewriting.toggle, REVIEW)
    yield Action("Chords, melody or both", group, ("C",), rewriting.next_part, REVIEW)
    more, less = partial(rewriting.resize_selection, 1), partial(rewriting.resize_selection, -1)
    yield Action("Select one bar more", group, ("Shift+]", "}"), more, REVIEW, True)
    yield Action("Select one bar less", group, ("Shift+[", "{"), less, REVIEW, True)
    yield Action("Next proposal", group, ("N",), partial(rewriting.step, 1), REVIEW, True)
    before = partial(rewriting.step, -1)
    yield Action("Previous proposal", group, ("Shift+N",), before, REVIEW, True)
    yield Action("Accept proposal", group, ("Ctrl+Return",), rewriting.accept, REVIEW)
    yield Action("Keep proposal as a take", group, ("Ctrl+K",), rewriting.keep, REVIEW)
    yield Action("Discard proposals", group, ("Ctrl+Backspace",), rewriting.discard, REVIEW)
    yield Action("Type a chord", group, ("Shift+C",), hand.ask_chord, REVIEW)
    yield Action("Edit notes on/off", group, ("I",), hand.toggle_notes, REVIEW)
    yield Action("Next note", group, ("Alt+.",), partial(hand.select_note, 1), REVIEW, True)
    before = partial(hand.select_note, -1)
    yield Action("Previous note", group, ("Alt+,",), before, REVIEW, True)
    more, fewer = partial(hand.select_note, 1, True), partial(hand.select_note, -1, True)
    yield Action("Select one note more", group, ("Alt+Shift+.", "Alt+>"), more, REVIEW, True)
    yield Action("Select one note before", group, ("Alt+Shift+,", "Alt+<"), fewer, REVIEW, True)
    yield Action("Select all in the loop", group, ("Ctrl+A",), hand.select_all, REVIEW)
    yield Action("Higher", group, ("Alt+PgUp",), partial(change, 0, 1), REVIEW, True)
    yield Action("Lower", group, ("Alt+PgDown",), partial(change, 0, -1), REVIEW, True)
    yield Action("Later", group, ("Alt+End",), partial(change, 1), REVIEW, True)
    yield Action("Earlier", group, ("Alt+Home",), partial(change, -1), REVIEW, True)
    longer, shorter = partial(change, longer=1), partial(change, longer=-1)
    yield Action("Longer", group, ("Alt+Shift+End",), longer, REVIEW, True)
    yield Action("Shorter", group, ("Alt+Shift+Home",), shorter, REVIEW, True)
    yield Action("Add a note", group, ("Ins",), hand.add_note, REVIEW)
    yield Action("Delete what is selected", group, ("Alt+Backspace",), hand.delete, REVIEW)


def mark_actions(edits: Edits, playback: PlaybackActions) -> Iterator[Action]:
    """Marks at the playhead, and the way from one to the next."""
    group = MARKS
    yield Action("Mark as good", group, ("+", "="), partial(edits.add_moment, "good"), REVIEW)
    yield Action("Mark as bad", group, ("-",), partial(edits.add_moment, "bad"), REVIEW)
    yield Action("Mark", group, ("M",), partial(edits.add_moment, "marker"), REVIEW)
    yield Action("Comment on a mark", group, ("Ctrl+M",), edits.name_moment, REVIEW)
    yield Action("Delete mark", group, ("Backspace",), edits.remove_moment, REVIEW)
    yield Action("Next mark", group, (".",), partial(playback.go_to_moment, 1), REVIEW)
    yield Action("Previous mark", group, (",",), partial(playback.go_to_moment, -1), REVIEW)


def session_actions(
    edits: Edits,
    tasks: Tasks,
    details: Details,
    focus_search: Callable[[], object],
    tell: Callable[[], object],
    show_statistics: Callable[[], object],
) -> Iterator[Action]:
    """The session in front, and the list."""
    group = SESSIONS
    yield Action("Search", group, ("Ctrl+F",), focus_search, REVIEW)
    yield Action("Rename", group, ("F2",), details.title.edit, REVIEW)
    yield Action("Edit tags", group, ("F3",), details.tags.edit, REVIEW)
    for stars in range(MAX_RATING + 1):
        title = {0: "No stars", 1: "1 star"}.get(stars, f"{stars} stars")
        yield Action(title, group, (str(stars),), partial(edits.rate, stars), REVIEW)
    yield Action("New take", group, ("Ctrl+N",), tasks.ask_take, REVIEW)
    yield Action("Transcribe again", group, ("Ctrl+Shift+N",), tasks.transcribe_again, REVIEW)
    yield Action("Export", group, ("Ctrl+E",), tasks.ask_export, REVIEW)
    yield Action("What was played", group, ("Ctrl+I",), tell, REVIEW)
    yield Action("Practice by day and song", group, ("Ctrl+Shift+D",), show_statistics, REVIEW)
    yield Action("Import files", group, ("Ctrl+O",), tasks.ask_import, REVIEW)
    yield Action("Delete", group, ("Del",), edits.delete, REVIEW)
