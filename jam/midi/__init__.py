"""MIDI: the file format, files of music, ports."""
