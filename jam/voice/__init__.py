"""The microphone as an instrument: sound to pitch to notes, live and afterwards."""
