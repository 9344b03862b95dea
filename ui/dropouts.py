"""What the window says when the sound drops out often, with what helps a click away."""

from __future__ import annotations

from collections.abc import Callable

from jam.dropouts import DropoutWatch
from jam.messages import Snapshot
from ui.actions import shown_key
from ui.notice import Notice

LARGER_BUFFER = "Ctrl+Shift+B"


class DropoutNotice(Notice):
    """A notice that comes by itself, stands while the dropouts go on, and doesn't nag."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__("Dropouts")
        self._watch = DropoutWatch()
        self.closed.connect(lambda: self._watch.dismiss(now_s()))

    def look(self, snapshot: Snapshot, now_s: float) -> None:
        """See what the newest snapshot counts; cheap enough for every picture."""
        advice = self._watch.look(snapshot, now_s)
        if advice is None:
            self.show_notice("")
        elif frames := advice.block_frames:
            tip = f"Take the next larger audio buffer ({shown_key(LARGER_BUFFER)})."
            self.show_notice(f"{advice.text}.", f"Take {frames} frames", tip)
        else:
            self.show_notice(f"{advice.text}.")
