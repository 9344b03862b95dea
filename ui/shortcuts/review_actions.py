"""The actions of the page Review: what each key does there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from jam.sessions.session import MAX_RATING
from ui.common.pages import REVIEW
from ui.review.page import ReviewPage
from ui.shortcuts.actions import Action


def review_actions(page: ReviewPage) -> Iterator[Action]:
    """All of them, in the order of the list under F1."""
    yield from _playing(page)
    yield from _moments(page)
    yield from _session(page)


def _playing(page: ReviewPage) -> Iterator[Action]:
    group, hear = "Review: listen", page.listening
    yield Action("Play or pause", group, ("Space",), hear.play_pause, REVIEW)
    steps = (
        ("A beat on", "Right", 1, False),
        ("A beat back", "Left", -1, False),
        ("A bar on", "Shift+Right", 1, True),
        ("A bar back", "Shift+Left", -1, True),
    )
    for title, key, by, bars in steps:
        yield Action(title, group, (key,), partial(hear.step, by, bars), REVIEW, True)
    yield Action("To the start", group, ("Home",), hear.to_start, REVIEW)
    yield Action("To the end", group, ("End",), hear.to_end, REVIEW)
    yield Action("Faster", group, ("Up",), partial(hear.change_speed, 1), REVIEW, True)
    yield Action("Slower", group, ("Down",), partial(hear.change_speed, -1), REVIEW, True)
    yield Action("Loop from here", group, ("[",), partial(hear.loop_edge, False), REVIEW)
    yield Action("Loop to here", group, ("]",), partial(hear.loop_edge, True), REVIEW)
    yield Action("Loop this bar, or play on", group, ("\\",), hear.toggle_loop, REVIEW)
    yield Action("The other take", group, ("Q",), page.other_take, REVIEW)
    yield Action(
        "Turn pages, or not", group, ("V",), lambda: hear.follow(not page.roll.follows), REVIEW
    )
    yield Action(
        "Plan shown or hidden",
        group,
        ("Ctrl+H",),
        lambda: hear.show_plan(not page.transport.plan.isChecked()),
        REVIEW,
    )
    yield Action("Zoom in", group, ("PgDown",), partial(page.roll.zoom_by, 1), REVIEW, True)
    yield Action("Zoom out", group, ("PgUp",), partial(page.roll.zoom_by, -1), REVIEW, True)
    yield Action("All of it", group, ("Shift+Home",), page.roll.fit_all, REVIEW)


def _moments(page: ReviewPage) -> Iterator[Action]:
    group, change, hear = "Review: moments", page.changes, page.listening
    yield Action("Good moment", group, ("+", "="), partial(change.add_moment, "good"), REVIEW)
    yield Action("Bad moment", group, ("-",), partial(change.add_moment, "bad"), REVIEW)
    yield Action("Mark this place", group, ("M",), partial(change.add_moment, "marker"), REVIEW)
    yield Action("A word on a moment", group, ("Ctrl+M",), change.name_moment, REVIEW)
    yield Action("Take a mark away", group, ("Backspace",), change.remove_moment, REVIEW)
    yield Action("Next moment", group, (".",), partial(hear.go_to_moment, 1), REVIEW)
    yield Action("Moment before", group, (",",), partial(hear.go_to_moment, -1), REVIEW)


def _session(page: ReviewPage) -> Iterator[Action]:
    group, change = "Review: sessions", page.changes
    yield Action("Search", group, ("Ctrl+F",), page.focus_search, REVIEW)
    yield Action("Name", group, ("F2",), page.details.title.edit, REVIEW)
    yield Action("Tags", group, ("F3",), page.details.tags.edit, REVIEW)
    for stars in range(MAX_RATING + 1):
        title = {0: "No stars", 1: "1 star"}.get(stars, f"{stars} stars")
        yield Action(title, group, (str(stars),), partial(change.rate, stars), REVIEW)
    yield Action("New take", group, ("Ctrl+N",), page.works.ask_take, REVIEW)
    yield Action("Export", group, ("Ctrl+E",), page.works.ask_export, REVIEW)
    yield Action("Import files", group, ("Ctrl+O",), page.works.ask_import, REVIEW)
    yield Action("Delete", group, ("Del",), change.delete, REVIEW)
