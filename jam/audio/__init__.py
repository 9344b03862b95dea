"""Sound: the synth, the output, the mix, WAV files."""
