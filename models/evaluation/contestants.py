"""Who is evaluated: any `Predictor` in a simulated jam, our networks many pieces at once, and
the baselines. Each takes pieces and gives the same pieces with its chords."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jam.agent.predictor import Predictor, draw, gumbel_noise
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.music.grid import Meter, Place
from jam.music.key import best_key
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState, Row, chord_class, chord_state
from jam.settings import JamSettings
from models.data.piece import Piece
from models.decoding import spectral
from models.decoding.decoder import OnlineDecoder
from models.decoding.harmoniser import OfflineDecoder, harmonies
from models.decoding.mixture import load_mixture
from models.decoding.rollout import online_chords, padded
from models.decoding.rules import Decoding
from models.evaluation.metrics import Jam
from models.network import vocab
from models.network.vocab import Ints
from models.predictor import one_thread

Contestant = Callable[[Sequence[Piece], float, int], list[Jam]]
"""(pieces, temperature, seed) to jams; piece i has the seed `seed + i`."""
TOGETHER = 64


def with_chords(piece: Piece, chord: Ints, onset: Ints) -> Jam:
    return Jam(piece.pitch, piece.onset, chord, onset, piece.places)


def truth(pieces: Sequence[Piece], temperature: float = 1.0, seed: int = 0) -> list[Jam]:
    """The pieces with their own chords."""
    return [with_chords(p, p.chord, p.chord_onset) for p in pieces]


def tonic_triad(pieces: Sequence[Piece], temperature: float = 1.0, seed: int = 0) -> list[Jam]:
    """The tonic triad of the key that fits the whole melody best, struck once and held."""
    jams = []
    for piece in pieces:
        counts = np.bincount(piece.pitch[piece.pitch > 0] % 12, minlength=12)
        tonic, minor = best_key([float(c) for c in counts])
        chord = np.full(piece.n_frames, 1 + tonic * vocab.N_QUALITIES + int(minor))
        onset = np.zeros(piece.n_frames, np.int64)
        onset[0] = 1
        jams.append(with_chords(piece, chord, onset))
    return jams


def meter_of(bar_frames: int, beat_frames: int) -> Meter:
    """A metre with that bar and beat."""
    if beat_frames == 6:
        return Meter(bar_frames // 2, 8)
    denominator = 16 // beat_frames
    return Meter(bar_frames // beat_frames, denominator)


def places_of(piece: Piece) -> list[Place]:
    """The places of a window's frames."""
    names = vocab.PLACE_FEATURES
    frame, bar_frames = names.index("frame_in_bar"), names.index("bar_frames")
    beat, bar = names.index("beat_frames"), names.index("bar_in_form")
    return [
        Place(int(p[bar]), int(p[frame]), meter_of(int(p[bar_frames]), int(p[beat])))
        for p in piece.places
    ]


def melody_of(piece: Piece) -> list[MelodyState]:
    return [
        MelodyState(int(p), bool(o)) if p else REST
        for p, o in zip(piece.pitch, piece.onset, strict=True)
    ]


def protocol(predictor: Predictor) -> Contestant:
    """Any predictor, frame by frame under the online factorisation."""

    def play(pieces: Sequence[Piece], temperature: float, seed: int) -> list[Jam]:
        jams = []
        for i, piece in enumerate(pieces):
            predictor.reset(JamSettings(temperature=temperature))
            states: list[ChordState] = []
            before = NO_CHORD
            for t, (melody, place) in enumerate(
                zip(melody_of(piece), places_of(piece), strict=True)
            ):
                logits = predictor.chord_logits(place)
                noise = gumbel_noise(seed + i, t, 0, len(logits))
                state = chord_state(draw(logits, temperature, noise)[0], before)
                if chord_class(state, before) == 0:
                    state = ChordState(state.chord, False)
                predictor.extend([Row(melody, state)], [place])
                states.append(state)
                before = state
            jams.append(with_chords(piece, *vocab.chord_arrays(states)))
        return jams

    return play


def rules(pieces: Sequence[Piece], temperature: float, seed: int) -> list[Jam]:
    """The rule-based predictor."""
    return protocol(RuleBasedPredictor())(pieces, temperature, seed)


def network(folder: Path, kind: str, adventurous: float = JamSettings().adventurous) -> Contestant:
    """Our networks, many pieces in step; the rules of decoding are their own.

    kind: "online" (as it is played at this setting), "offline", or "fit" or "variety": one of the
    two online networks alone.
    """
    one_thread()
    if kind == "offline":
        config, weights, settings = spectral.load_weights(folder, kind)
        decoding = Decoding.from_dict(settings.get("decoding", {}), str(folder / "offline.json"))
    else:
        mixture = load_mixture(folder)
        config = mixture.config
        weights, decoding = mixture.at({"fit": 0.0, "variety": 1.0}.get(kind, adventurous))

    def play(pieces: Sequence[Piece], temperature: float, seed: int) -> list[Jam]:
        jams: list[Jam] = []
        for first in range(0, len(pieces), TOGETHER):
            some = pieces[first : first + TOGETHER]
            p = padded(some)
            seeds = [seed + first + i for i in range(len(some))]
            frames = p.pitch.shape[1]
            if kind != "offline":
                online = OnlineDecoder(config, weights, len(some), frames)
                found = online_chords(
                    online, p.pitch, p.onset, p.shared, decoding, temperature, seeds, p.found
                )
            else:
                offline = OfflineDecoder(config, weights, len(some), frames)
                drawn = harmonies(offline, p.pitch, p.onset, p.shared, decoding, temperature, seeds)
                found = drawn.chord, drawn.onset
            for piece, chord, onset in zip(some, *found, strict=True):
                jams.append(with_chords(piece, chord[: piece.n_frames], onset[: piece.n_frames]))
        return jams

    return play


def load_factory(spec: str) -> Predictor:
    """The predictor that "module:factory" makes. Raises BadInput where there is none."""
    module, _, name = spec.partition(":")
    try:
        predictor: Predictor = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise BadInput(f"predictor {spec!r}: {error}") from None
    return predictor
