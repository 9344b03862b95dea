"""Chords drawn from a network, in numpy alone."""
