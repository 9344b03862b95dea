"""MIDI learn: what controls of MIDI devices do in the window, how they are learnt and listed."""
