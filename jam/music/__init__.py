"""What music is: time, chords, keys, rows. Pure."""
