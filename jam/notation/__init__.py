"""Music as it is written: rhythm, MusicXML."""
