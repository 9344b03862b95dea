"""Charts: songs as text, ChordPro, iReal Pro links, MusicXML, MIDI; read and written."""
