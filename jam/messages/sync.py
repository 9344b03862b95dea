"""Where the beat comes from, as the window and the command line are told."""

from __future__ import annotations

from dataclasses import dataclass

OWN, PLAYER, MIDI_CLOCK, LINK, JACK = "own", "player", "midi-clock", "link", "jack"
SOURCES = (OWN, PLAYER, MIDI_CLOCK, LINK, JACK)
"""What the setting `beat_from` can be."""
NAMES = {OWN: "jam", PLAYER: "You", MIDI_CLOCK: "MIDI clock", LINK: "Link", JACK: "JACK"}
WAITING, LOCKED, LOST = "waiting", "locked", "lost"
STATES = (WAITING, LOCKED, LOST)
"""Nothing heard yet; followed; silent since, while the tempo goes on as it was."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """How it stands with the source of the beat.

    state: one of STATES, "" where the beat is the program's own. bpm: what the source has, in
    quarters a minute; 0 where that isn't known. rolls: False while its transport stands still.
    """

    source: str = OWN
    state: str = ""
    bpm: float = 0.0
    peers: int = 0
    jitter_ms: float = 0.0
    rolls: bool | None = None
    name: str = ""
    problem: str = ""

    @property
    def words(self) -> str:
        """ "Link: locked, 120 bpm, 2 peers"; "" where the beat is the program's own."""
        if self.source == OWN:
            return ""
        said = [self.state]
        if self.state == LOCKED and self.rolls is False:
            said = ["stopped"]
        if self.bpm and self.state != WAITING:
            said.append(f"{self.bpm:.1f} bpm".replace(".0 ", " "))
        if self.source == LINK:
            said.append(f"{self.peers} peer" + ("" if self.peers == 1 else "s"))
        return f"{NAMES[self.source]}: {', '.join(said)}"


NOT_SYNCED = SyncState()
"""The beat is the program's own."""
