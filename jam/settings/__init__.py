"""Everything that a player can turn: one line a setting, and all that is said of it.

Options and typed words of the command line, controls and tool tips of the window, and the files
that keep settings are all made from the lines here. Settings act while playing: what concerns
the agent acts from the commit point on, metre at the next bar line, tempo at the next frame,
everything that concerns sound at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from jam.errors import BadInput
from jam.limits import PALETTE_ENTRIES
from jam.music.chord import parse_pitch, pitch_name
from jam.music.grid import MAX_BPM, METERS, MIN_BPM, Meter
from jam.music.instruments import INSTRUMENTS, KITS
from jam.music.key import Key, key_name, parse_key
from jam.music.palette import allowed_chords, read_palette
from jam.music.role import ACCOMPANIES, ASKS, FILLS, LEADS, SOLOS, TRADES
from jam.settings.line import Choice, Line, lines_of, setting

MODELS = ("neural", "rules")
"""Engines of the agent; "neural" is played by the rules where its weights can't be loaded."""
STYLES = ("any", "pop", "jazz", "folk")
"""Style conditions of the model."""
DENSITIES = (0.5, 1.0, 2.0, 4.0)
"""Chord changes per bar that the density condition can ask for; None asks for none of them."""

METRONOME_SOUNDS = {
    "woodblock": "Woodblock",
    "click": "Click and bell",
    "stick": "Side stick",
    "hihat": "Hi-hat",
    "cowbell": "Cowbell",
}
CLICKS = {
    "beats": "Every beat",
    "backbeat": "Beats 2 and 4",
    "alternate": "Every other bar",
    "fading": "Fading out",
    "bars": "Bar lines",
    "2": "Two per beat",
    "3": "Three per beat",
    "4": "Four per beat",
}

KEYS_A_CHORUS = {"same": 0, "fourths": 5, "fifths": 7, "up": 1, "down": 11, "whole": 2}
"""Semitones from one chorus of a song to the next, by the setting's words."""
_KEYS_LABELS = {
    "same": "The same key",
    "fourths": "A fourth up each chorus",
    "fifths": "A fifth up each chorus",
    "up": "A semitone up each chorus",
    "down": "A semitone down each chorus",
    "whole": "A whole tone up each chorus",
}
_TUNE_PLAYS = {
    "none": "Nothing",
    "left": "The left hand",
    "right": "The right hand",
    "all": "All",
    "off": "Not practised",
}
TEMPO_RISES = {"off": "Stays", "turn": "Rises each chorus", "well": "Rises when it went well"}

ROLE_LABELS = {
    ACCOMPANIES: "Accompanies",
    TRADES: "Trades with you",
    SOLOS: "Solos",
    FILLS: "Fills your gaps",
    LEADS: "Leads, you accompany",
    ASKS: "Plays phrases to repeat",
}
VOICES = {
    "any": "Any voice",
    "soprano": "Soprano",
    "alto": "Alto",
    "tenor": "Tenor",
    "baritone": "Baritone",
    "bass": "Bass",
    "whistle": "Whistle",
    "trumpet": "Trumpet",
    "violin": "Violin",
    "guitar": "Guitar",
}

MIN_TEMPERATURE = 0.01
"""Above 0, which takes the likeliest. Numbers divided by less would soon be none any more."""

_SCROLL = " Scroll or press Up/Down."
_CHANGES = {0.5: "Every two bars", 1.0: "One per bar", 2.0: "Two per bar", 4.0: "Four per bar"}
_CHANGES = {0.5: "Every two bars", 1.0: "One per bar", 2.0: "Two per bar", 4.0: "Four per bar"}
_FROM_STYLE = Choice(None, "From the style", "style")


def _programs(names: Iterable[tuple[int, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(program, name, str(program)) for program, name in names)


def _key_choice(key: Key) -> Choice:
    name = key_name(key)
    return Choice(key, name.replace("#", "♯").replace("b ", "♭ "), name)


@dataclass(frozen=True, slots=True)
class JamSettings:
    """One jam's settings. Raises BadInput, naming the setting, for a value out of range."""

    # On the bar

    bpm: float = setting(
        100.0,
        "&Tempo",
        "Beats per minute. Changes at once, even while playing." + _SCROLL,
        "tempo",
        "bpm",
        group="time",
        limits=(MIN_BPM, MAX_BPM, "bpm"),
    )
    meter: Meter = setting(
        Meter(4, 4),
        "&Metre",
        "Time signature; a change takes effect at the next bar line.",
        "time signature",
        "metre",
        also="meter",
        group="time",
        choices=tuple(Choice(Meter.parse(name), name, name) for name in METERS),
        others=True,
        read_text=Meter.parse,
        write_text=str,
    )
    accompaniment: str = setting(
        "piano",
        "&Style",
        "How the band plays; a change takes effect at the next bar line.",
        "style of the band; see jam styles",
        "style",
        group="band",
        control="style",
    )
    """Name of a style of jam.accompaniment; one that doesn't exist plays as the default one."""
    lookahead_beats: int = setting(
        4,
        "Looka&head",
        "How far ahead the agent plans. More shows you more, but what is far off may still "
        "change." + _SCROLL,
        "how far ahead the agent plans",
        "lookahead",
        group="agent",
        limits=(1, 16, "beats"),
    )
    commit_beats: int = setting(
        1,
        "&Commit",
        "How far ahead chords are committed. Fewer beats follow you more closely; more give "
        "you longer to prepare." + _SCROLL,
        "how far ahead chords are committed",
        "commit",
        group="agent",
        limits=(0, 16, "beats"),
    )
    adventurous: float = setting(
        0.1,
        "Adve&nturous",
        "Left: safe chords. Right: surprising chords.",
        "0 for safe chords, 1 for surprising ones",
        "adventurous",
        group="agent",
        limits=(0, 1, "%"),
        step=0.05,
    )
    """From chords that fit best (0) to chords of the greatest variety (1)."""
    player_volume: float = setting(
        0.9,
        "Your volume",
        "Your volume.",
        "your volume",
        "volume",
        group="sound",
        caption="&You",
        limits=(0, 1, "%"),
        step=0.01,
    )
    agent_volume: float = setting(
        0.65,
        "Band volume",
        "Band volume: chords, bass and drums together.",
        "volume of the band",
        "band-volume",
        group="sound",
        caption="B&and",
        limits=(0, 1, "%"),
        step=0.01,
    )
    """Of the whole band; those of bass and drums are parts of it."""
    bass: bool = setting(
        True,
        "Bass",
        "Turn the bass on or off (styles that have one).",
        "play the bass, in styles that have one",
        "bass",
        group="band",
    )
    drums: bool = setting(
        True,
        "Drums",
        "Turn the drums on or off (styles that have them).",
        "play the drums, in styles that have them",
        "drums",
        group="band",
    )
    metronome: bool = setting(
        True,
        "Metr&onome",
        "Click on every beat, accented on the first.",
        "click on every beat",
        "metronome",
        group="time",
    )
    metronome_volume: float = setting(
        0.5,
        "Metronome volume",
        "Metronome volume.",
        "volume of the metronome",
        "metronome-volume",
        group="sound",
        limits=(0, 1, "%"),
        step=0.01,
    )
    # Music

    key_lock: Key | None = setting(
        None,
        "Key",
        "Allow only chords of this key.",
        'only chords of this key: C, Am, "F# minor"',
        "key",
        group="harmony",
        place="Music/Chords",
        choices=(
            Choice(None, "Any key", "any"),
            *(_key_choice((tonic, minor)) for minor in (False, True) for tonic in range(12)),
        ),
        read_text=parse_key,
    )
    """(tonic, is_minor): only chords of this key; None leaves the agent free."""
    palette: tuple[str, ...] = setting(
        (),
        "Allowed chords",
        "Allow only these: kinds of chord (maj min7 7) or single chords (Dm7 G7). Empty allows "
        "any.",
        'only these chords or kinds of chord: "maj min7 G7"',
        "palette",
        group="harmony",
        place="Music/Chords",
        choices=(Choice((), "any", "any"),),
        others=True,
        control="palette",
        read_text=read_palette,
        write_text=" ".join,
    )
    """Only these chords, each entry a quality on every root ("min7") or one chord ("Dm7"); empty
    allows all. It holds together with the key lock. See jam.music.palette."""
    density: float | None = setting(
        None,
        "Chord changes",
        "How often chords change: rarely is calm, often is busy.",
        "chord changes per bar",
        "density",
        group="harmony",
        place="Music/Chords",
        choices=(
            Choice(None, "Automatic", "any"),
            *(Choice(d, _CHANGES[d], f"{d:g}") for d in DENSITIES),
        ),
        kind=float,
    )
    reharmonise: float = setting(
        0.0,
        "Reharmonise",
        "How many of a song's chords the agent may replace by others that lead to the same one.",
        "share of a song's chords that the agent may replace, 0 to 1",
        "reharmonise",
        group="harmony",
        place="Music/Chords",
        limits=(0, 1, "%"),
        step=0.05,
    )
    """Never two that follow each other, and never the first of a chorus."""
    left_hand: str = setting(
        "off",
        "Left hand",
        "Whether chords that you hold below the melody split lead the band. With the split off "
        "it is learnt from the gap between your hands.",
        "whether chords of your left hand lead the band: while held, or to the end of the bar",
        "left-hand",
        group="harmony",
        place="Music/Chords",
        choices=(
            Choice("off", "Doesn't lead", "off"),
            Choice("held", "Leads while held", "held"),
            Choice("bar", "Leads for the bar", "bar"),
        ),
    )
    """One of the modes of jam.performance.left_hand."""
    style: str = setting(
        "any",
        "Harmony",
        "The kind of music that the chords come from.",
        "kind of music that the chords come from",
        "harmony",
        group="harmony",
        place="Music/Chords",
        choices=(
            Choice("any", "Follow the style", "any"),
            *(Choice(style, style.capitalize(), style) for style in STYLES[1:]),
        ),
    )
    """The model's style condition; "any" leaves it to the accompaniment's style."""
    feel: float = setting(
        0.5,
        "Feel",
        "Left: exactly on the grid, bars as drawn. Right: as loose as people play.",
        "0 for a machine, 1 for players as loose as people",
        "feel",
        group="band",
        place="Music/Band",
        limits=(0, 1, "%"),
        step=0.05,
    )
    """Timing, accents and variety of the band, from the style's drawn bars on the grid (0) to
    what people played (1)."""
    role: str = setting(
        ACCOMPANIES,
        "Role",
        "What the agent does besides its chords; a change takes effect at the next bar line.",
        "what the agent does besides its chords",
        "role",
        group="agent",
        place="Music/Role",
        choices=tuple(Choice(word, label, word) for word, label in ROLE_LABELS.items()),
    )
    turn_bars: int = setting(
        4,
        "Turns",
        "Bars of a turn when you trade.",
        "bars of a turn when the agent trades: 2, 4 or 8",
        "turns",
        metavar="BARS",
        group="agent",
        place="Music/Role",
        choices=tuple(Choice(n, f"{n} bars", str(n)) for n in (2, 4, 8)),
        kind=int,
    )
    role_choruses: int = setting(
        0,
        "Role for",
        "Choruses that a role lasts, from the next one on; then the agent accompanies.",
        "choruses that a role lasts, from the next one on; 0: until another one is chosen",
        "role-for",
        metavar="CHORUSES",
        group="agent",
        place="Music/Role",
        choices=(
            Choice(0, "Until changed", "0"),
            *(Choice(n, f"{n} chorus" + "es" * (n > 1), str(n)) for n in (1, 2, 3, 4)),
        ),
        kind=int,
    )
    song_keys: str = setting(
        "same",
        "Song keys",
        "Take a song through the keys: each chorus in another one.",
        "key of each chorus of a song",
        "song-keys",
        metavar="KEYS",
        group="harmony",
        place="Music/Practice",
        choices=tuple(Choice(word, label, word) for word, label in _KEYS_LABELS.items()),
    )
    tune_plays: str = setting(
        "none",
        "Played for you",
        "What of the tune that you practise the agent plays: the other hand is yours.",
        "what of the tune that you practise is played for you",
        "plays",
        metavar="HAND",
        group="harmony",
        place="Music/Practice",
        choices=tuple(Choice(word, label, word) for word, label in _TUNE_PLAYS.items()),
    )
    waits: bool = setting(
        False,
        "Wait for me",
        "The music waits for the right keys of the tune that you practise.",
        "wait for the right keys of the tune that is practised",
        "wait",
        group="harmony",
        place="Music/Practice",
    )
    hide_chords: bool = setting(
        False,
        "Find the chords",
        "Hide each chord until you have played its root and its third.",
        "hide each chord until its root and third were played",
        "find-chords",
        group="harmony",
        place="Music/Practice",
    )
    tempo_rise: str = setting(
        "off",
        "Tempo rise",
        "What the tempo does at the end of a song's chorus, or of the bars that go round.",
        "what the tempo does after each chorus",
        "tempo-rise",
        metavar="WHEN",
        group="time",
        place="Music/Practice",
        choices=tuple(Choice(word, label, word) for word, label in TEMPO_RISES.items()),
    )
    tempo_step: float = setting(
        4.0,
        "Tempo step",
        "How much the tempo rises each time.",
        "how much the tempo rises each time",
        "tempo-step",
        group="time",
        place="Music/Practice",
        limits=(1, 25, "bpm"),
    )
    tempo_goal: float = setting(
        160.0,
        "Tempo goal",
        "The tempo rises no further.",
        "the tempo rises no further",
        "tempo-goal",
        group="time",
        place="Music/Practice",
        limits=(MIN_BPM, MAX_BPM, "bpm"),
    )
    solo_program: int = setting(
        11,
        "Solo instrument",
        "The instrument of the agent's own melodies.",
        "instrument of the agent's own melodies",
        "solo-instrument",
        metavar="PROGRAM",
        group="sound",
        place="Music/Role",
        caption="Instrument",
        limits=(0, 127, ""),
        choices=_programs(enumerate(INSTRUMENTS)),
        kind=int,
    )
    solo_volume: float = setting(
        1.0,
        "Solo volume",
        "Volume of the agent's own melodies within the band.",
        "volume of the agent's own melodies within the band",
        "solo-volume",
        group="sound",
        place="Music/Role",
        caption="Volume",
        limits=(0, 1, "%"),
        step=0.01,
    )
    model: str = setting(
        "neural",
        "Engine",
        "What chooses the chords: the trained network, or a set of rules.",
        "what chooses the chords: the trained network, or rules",
        "agent",
        group="agent",
        place="Music/Agent",
        choices=(Choice("neural", "Neural", "neural"), Choice("rules", "Rule-based", "rules")),
    )
    """One of MODELS; another one plans from the commit point on."""
    temperature: float = setting(
        1.0,
        "Temperature",
        "How freely chords are chosen. 0: always the likeliest; above 1: often unlikely ones.",
        "how freely chords are chosen",
        "temperature",
        group="agent",
        place="Music/Agent",
        limits=(0, 2, ""),
        step=0.05,
    )
    foresight_beats: int = setting(
        4,
        "Foresight",
        "How much of the melody that it expects the agent weighs when it picks a chord; 0: none.",
        "how much of the expected melody weighs when a chord is picked",
        "foresight",
        group="agent",
        place="Music/Agent",
        limits=(0, 8, "beats"),
    )
    """So many beats of the melody that is foreseen weigh in a new chord. What more of them bring is
    measured by `python -m models.evaluation.foresight`."""
    count_in_bars: int = setting(
        1,
        "Count-in",
        "Bars that the metronome counts before you start.",
        "bars that the metronome counts first",
        "count-in",
        group="time",
        place="Music/Start",
        limits=(0, 4, "bars"),
    )
    listen_bars: int = setting(
        2,
        "Listen first",
        "Bars at the start in which the agent only listens to you.",
        "bars at the start in which the agent only listens",
        "listen",
        group="agent",
        place="Music/Start",
        limits=(0, 16, "bars"),
    )
    beat_from: str = setting(
        "own",
        "Beat from",
        "Who gives the tempo and the beat: jam, you as you play (without a click), or another "
        "program or machine.",
        "who gives the beat",
        "beat-from",
        group="beat",
        place="Music/Tempo",
        choices=(
            Choice("own", "jam", "own"),
            Choice("player", "You", "player"),
            Choice("midi-clock", "MIDI clock", "midi-clock"),
            Choice("link", "Ableton Link", "link"),
            Choice("jack", "JACK transport", "jack"),
        ),
    )
    """One of jam.messages.sync.SOURCES."""
    beat_start: bool = setting(
        True,
        "Start and stop together",
        "Start and stop the jam with the other program, and the other way round where that "
        "program takes it.",
        "start and stop with who gives the beat",
        "beat-start",
        group="beat",
        place="Music/Tempo",
    )
    beat_offset_ms: float = setting(
        0.0,
        "Beat offset",
        "Place the beat this much later than the other program gives it (negative: earlier).",
        "place the beat this much later than it is given",
        "beat-offset",
        group="beat",
        place="Music/Tempo",
        limits=(-200, 200, "ms"),
    )
    # Sound

    player_program: int = setting(
        0,
        "Your instrument",
        "The sound of what you play.",
        "your instrument, by General MIDI number or name",
        "instrument",
        metavar="PROGRAM",
        group="sound",
        place="Sound/Instruments",
        caption="You",
        limits=(0, 127, ""),
        choices=_programs(enumerate(INSTRUMENTS)),
        kind=int,
    )
    agent_program: int | None = setting(
        None,
        "Chord instrument",
        "The instrument that plays the chords.",
        "instrument of the chords",
        "chord-instrument",
        metavar="PROGRAM",
        group="sound",
        place="Sound/Instruments",
        caption="Chords",
        limits=(0, 127, ""),
        choices=(_FROM_STYLE, *_programs(enumerate(INSTRUMENTS))),
        kind=int,
    )
    """None takes the instrument of the accompaniment's style, here and for bass and drums."""
    bass_program: int | None = setting(
        None,
        "Bass instrument",
        "The instrument that plays the bass.",
        "instrument of the bass",
        "bass-instrument",
        metavar="PROGRAM",
        group="sound",
        place="Sound/Instruments",
        caption="Bass",
        limits=(0, 127, ""),
        choices=(_FROM_STYLE, *_programs(enumerate(INSTRUMENTS))),
        kind=int,
    )
    drums_program: int | None = setting(
        None,
        "Drum kit",
        "The drum kit.",
        "drum kit, by General MIDI number or name",
        "drum-kit",
        metavar="PROGRAM",
        group="sound",
        place="Sound/Instruments",
        caption="Drums",
        limits=(0, 127, ""),
        choices=(_FROM_STYLE, *_programs(KITS.items())),
        kind=int,
    )
    """The kit: a program of General MIDI's drum bank (0 standard, 8 room, 40 brush)."""
    bass_volume: float = setting(
        1.0,
        "Bass volume",
        "Volume of the bass within the band.",
        "volume of the bass within the band",
        "bass-volume",
        group="sound",
        place="Sound/Volume",
        caption="Bass",
        limits=(0, 1, "%"),
        step=0.01,
    )
    drums_volume: float = setting(
        1.0,
        "Drums volume",
        "Volume of the drums within the band.",
        "volume of the drums within the band",
        "drums-volume",
        group="sound",
        place="Sound/Volume",
        caption="Drums",
        limits=(0, 1, "%"),
        step=0.01,
    )
    master_volume: float = setting(
        1.0,
        "Master volume",
        "Volume of everything that jam plays.",
        "volume of everything together",
        "master-volume",
        group="sound",
        place="Sound/Volume",
        caption="Master",
        limits=(0, 1, "%"),
        step=0.01,
    )
    metronome_sound: str = setting(
        "woodblock",
        "Metronome sound",
        "What the metronome clicks with.",
        "sound of the metronome",
        "metronome-sound",
        metavar="SOUND",
        group="sound",
        place="Sound/Metronome",
        caption="Sound",
        choices=tuple(Choice(word, label, word) for word, label in METRONOME_SOUNDS.items()),
    )
    clicks: str = setting(
        "beats",
        "Metronome clicks",
        "Where the metronome clicks: every beat, the beats 2 and 4, the bar lines, or between too.",
        "where the metronome clicks",
        "clicks",
        metavar="WHERE",
        group="time",
        place="Sound/Metronome",
        caption="Clicks",
        choices=tuple(Choice(word, label, word) for word, label in CLICKS.items()),
    )
    # Devices

    midi_channel: int = setting(
        0,
        "Channel",
        "Listen to one MIDI channel, or to all.",
        "MIDI channel to listen to: 1 to 16",
        "channel",
        option="--midi-channel",
        group="devices",
        place="Devices/MIDI keyboards",
        choices=(Choice(0, "All", "all"), *(Choice(n, str(n), str(n)) for n in range(1, 17))),
    )
    """0 listens to every channel, 1 to 16 to that one."""
    follow_programs: bool = setting(
        True,
        "Follow program changes",
        "A program change from a MIDI keyboard chooses your instrument.",
        "let program changes from a MIDI keyboard choose your instrument",
        "keyboard-programs",
        group="devices",
        place="Devices/MIDI keyboards",
    )
    split_pitch: int = setting(
        0,
        "Melody split",
        "Only notes from this key up are followed as melody.",
        "follow only notes from this key up as melody: 60 or C4",
        "split",
        metavar="KEY",
        group="devices",
        place="Devices/MIDI keyboards",
        limits=(0, 127, ""),
        choices=(Choice(0, "off", "off"),),
        control="pitch",
        read_text=parse_pitch,
        write_text=pitch_name,
    )
    """Only notes from this MIDI pitch up are the melody."""
    midi_programs: bool = setting(
        False,
        "Send program changes",
        "Tell synthesizers at the MIDI outputs which instruments to play. Leave it off if you "
        "have loaded sounds of your own.",
        "tell the MIDI outputs which instruments to play",
        "programs",
        option="--midi-programs",
        group="devices",
        place="Devices/MIDI outputs",
    )
    """The MIDI outputs get a program change for each instrument of the band. Off, since it would
    replace a sound that somebody has loaded there."""
    midi_clock: bool = setting(
        False,
        "Send MIDI clock",
        "A sequencer or DAW at the MIDI outputs can start, stop and keep time with the jam.",
        "send MIDI clock, start and stop to the MIDI outputs",
        "clock",
        option="--midi-clock",
        group="devices",
        place="Devices/MIDI outputs",
    )
    """The MIDI outputs get the clock of the jam: start, ticks, stop."""
    latency_offset_ms: float = setting(
        0.0,
        "Latency compensation",
        "Send the band this much earlier, for speakers with a delay (Bluetooth). Your own notes "
        "are not moved.",
        "send the band this much earlier, for speakers with a delay",
        "latency",
        group="devices",
        place="Devices/Audio",
        limits=(-500, 500, "ms"),
    )
    """Band and metronome are sent so much earlier (negative: later), at the internal synth as at
    the MIDI outputs, for a sound system that delays them. Then what the player hears is on the
    grid, and so is what they play to it: their own notes are not moved."""

    voice_range: str = setting(
        "any",
        "Voice or instrument",
        "What sings or plays into the microphone. The narrower the range, the quicker and surer "
        "notes are heard.",
        "what sings or plays into the microphone",
        "voice",
        group="microphone",
        place="Devices/Microphone",
        choices=tuple(Choice(word, label, word) for word, label in VOICES.items()),
    )
    """One of jam.voice.ranges.RANGES."""
    voice_transpose: int = setting(
        0,
        "Transpose the voice",
        "Semitones added to every note of the microphone; 12 is an octave.",
        "semitones added to every note of the microphone",
        "voice-transpose",
        group="microphone",
        place="Devices/Microphone",
        limits=(-36, 36, "semitones"),
    )
    voice_gate_db: float = setting(
        -50.0,
        "Gate",
        "Sound below this level is no note. Listen … finds the level of your room.",
        "sound below this level is no note",
        "gate",
        group="microphone",
        place="Devices/Microphone",
        limits=(-90, -10, "dB"),
    )
    voice_heard: bool = setting(
        False,
        "Play your instrument too",
        "Your instrument plays what you sing. With loudspeakers it would hear itself: use "
        "headphones.",
        "have your instrument play what you sing",
        "voice-sound",
        group="microphone",
        place="Devices/Microphone",
    )
    voice_ignores_band: bool = setting(
        True,
        "Ignore the band",
        "What the band itself plays is not taken for your notes. Headphones are surer.",
        "don't take what the band plays for your notes",
        "ignore-band",
        group="microphone",
        place="Devices/Microphone",
    )
    voice_kept: bool = setting(
        False,
        "Keep the microphone's sound",
        "Every recorded jam also keeps what the microphone hears, voices in the room included, as "
        "a FLAC file beside the library (about 150 MB an hour).",
        "keep the microphone's sound with every recorded jam",
        "keep-voice",
        group="microphone",
        place="Devices/Microphone",
    )
    voice_offset_ms: float = setting(
        0.0,
        "Microphone latency",
        "How much later the microphone's sound comes than the audio system says.",
        "how much later the microphone's sound comes than the audio system says",
        "microphone-latency",
        group="microphone",
        place="Devices/Microphone",
        limits=(-100, 500, "ms"),
    )

    def __post_init__(self) -> None:
        for name, line in SETTINGS.items():
            line.check(getattr(self, name))
        if 0 < self.temperature < MIN_TEMPERATURE:
            raise BadInput(
                f"temperature {self.temperature:g}: must be 0, or {MIN_TEMPERATURE:g} up"
            )
        if len(self.palette) > PALETTE_ENTRIES:
            raise BadInput(f"palette: more than {PALETTE_ENTRIES} entries")
        allowed_chords(self.palette, self.key_lock)

    @property
    def lead_s(self) -> float:
        """The latency offset in seconds."""
        return self.latency_offset_ms / 1000.0

    def changed(self, **values: Any) -> JamSettings:
        """A copy with other values. Raises BadInput for an unknown name or a bad value."""
        if unknown := set(values) - {f.name for f in fields(self)}:
            raise BadInput(f"no such setting: {', '.join(sorted(unknown))}")
        return replace(self, **values)


SETTINGS = lines_of(JamSettings)
"""The table: name -> line."""

DEVICES = {
    line.name: line
    for line in (
        Line(
            "MIDI inputs",
            "The MIDI keyboards you play.",
            "MIDI input, by its name or a part of it",
            word="in",
            option="--midi-in",
            metavar="NAME",
            name="midi_inputs",
        ),
        Line(
            "MIDI outputs",
            "MIDI outputs that get the band, besides jam's own sound.",
            "also send the band to this MIDI output",
            word="out",
            option="--midi-out",
            metavar="NAME",
            name="midi_outputs",
        ),
        Line(
            "Microphone",
            "Sing, whistle or play one voice into it, in place of a MIDI keyboard.",
            'sing or play into this microphone; "default" for the system\'s, "none" for none',
            word="microphone",
            metavar="NAME",
            name="microphone",
        ),
        Line(
            "Device",
            "Audio output. Switching causes a short gap.",
            'audio device; "none" for silence, "fluidsynth:jack" (alsa, pulseaudio, …) for'
            " FluidSynth's own driver",
            word="audio",
            metavar="NAME",
            name="audio",
        ),
        Line(
            "Sample rate",
            "The device's own rate has the least delay.",
            "sample rate in Hz; 0 for the device's own",
            word="rate",
            metavar="HZ",
            kind=int,
            name="sample_rate",
        ),
        Line(
            "Buffer",
            "Smaller: less latency. Larger: fewer crackles.",
            "audio buffer in frames, 64 to 2048; JACK has its own",
            word="buffer",
            metavar="FRAMES",
            kind=int,
            name="block_frames",
        ),
        Line(
            "SoundFont",
            "The sounds of all instruments. Switching causes a short gap.",
            "SoundFont to play with: a file's name in the usual folders, or its path",
            word="soundfont",
            metavar="FILE",
            name="soundfont",
        ),
        Line(
            "Agent server",
            "Address of a server whose agent plans wherever it is in time; empty: the agent here.",
            'let the agent of a server plan: wss://HOST:PORT; "none" for the one here',
            word="server",
            option="--agent-server",
            metavar="URL",
            name="agent_server",
        ),
    )
}
"""What is said of the devices: value of jam.messages.commands.SelectDevices -> line."""
