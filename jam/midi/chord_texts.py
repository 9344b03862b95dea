"""Where a MIDI file has its chord symbols: markers, texts, cue points, lyrics, or Yamaha's own."""

from __future__ import annotations

from jam.midi.smf import RawSong
from jam.music.chord_notation import chords_of_texts


def chord_texts(song: RawSong) -> tuple[list[tuple[int, str]], bool]:
    """(tick, text) of the events that are chord symbols, and whether they are the lyrics.

    The markers, whatever they are, where nothing is.
    """
    if song.xf_chords:
        return song.xf_chords, False
    bar = 4 * song.ticks_per_quarter
    for texts in (song.markers, song.texts, song.cues):
        if chords_of_texts(texts, lambda tick: tick // bar)[0]:
            return texts, False
    found, _ = chords_of_texts(song.words, lambda tick: tick // bar)
    # "Do re mi" and "la la la" are sung; "A" is a syllable.
    if not song.karaoke and len({label for _, _, label in found if len(label) > 1}) > 1:
        return song.words, True
    if len({chord for _, chord, _ in found}) > 2 and len(found) == len(song.words):
        return song.words, True
    return song.markers, False
