"""jam: play a melody on a MIDI keyboard; an agent that anticipates accompanies in time.

This package holds time, MIDI, harmony, anticipation, accompaniment and sound. It imports
neither Qt nor torch; the network is known here only as the protocol `Predictor`.
"""

__version__ = "0.1.0"
