"""What the agent does besides its chords: it trades, solos, fills, leads. Pure."""
