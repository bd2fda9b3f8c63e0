"""General MIDI's percussion notes, for classes whose names say what drum they are.

Source: General MIDI System Level 1, percussion key map.
"""

import re
from collections.abc import Sequence

LOWEST, HIGHEST = 36, 127  # the keys that sounds are laid on: from the bass drum up
# What a name has in it, and the notes that it may get, the usual one first.
NAMES = {
    r"closed (hi ?)?hats?|(hi ?)?hats? closed|chh?": (42,),
    r"open (hi ?)?hats?|(hi ?)?hats? open|ohh?": (46,),
    r"pedal (hi ?)?hats?|(hi ?)?hats? pedal": (44,),
    r"(hi ?)?hats?|hh": (42, 44),
    r"kicks?|bass ?drums?|bd": (36, 35),
    r"snares?|sd": (38, 40),
    r"claps?|cp": (39,),
    r"rims?|rim ?shots?|side ?sticks?|rs": (37,),
    r"low toms?|floor toms?": (41, 43),
    r"mid toms?": (47, 48),
    r"high toms?|hi toms?": (50, 48),
    r"toms?": (45, 47, 48, 50, 43, 41),
    r"crash(es)?|cymbals?": (49, 57),
    r"rides?": (51, 59),
    r"splash(es)?": (55,),
    r"cow ?bells?|cb": (56,),
    r"tambourines?": (54,),
    r"bongos?": (60, 61),
    r"congas?": (63, 62, 64),
    r"timbales?": (65, 66),
    r"agogos?": (67, 68),
    r"shakers?|cabasas?": (69,),
    r"maracas?": (70,),
    r"guiros?": (73, 74),
    r"claves?": (75,),
    r"wood ?blocks?": (76, 77),
    r"triangles?": (81, 80),
}
HATS = frozenset((42, 44, 46))


def drum_notes(name: str) -> tuple[int, ...]:
    """The notes of the drum that a class is called after, the usual one first; none where it is called otherwise.

    >>> drum_notes("closed_hat"), drum_notes("Kicks 808"), drum_notes("seven")
    ((42,), (36, 35), ())
    """
    words = " ".join(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    return next((notes for pattern, notes in NAMES.items() if re.search(rf"\b({pattern})\b", words)), ())


def is_hat(name: str) -> bool:
    """Whether a class is called after a hi-hat, of whose sounds one ends the others."""
    return bool(HATS & set(drum_notes(name)))


def keys(names: Sequence[str]) -> list[int | None]:
    """A MIDI key of its own for each class: the drum's that its name says, or else the lowest that is free.

    None where all keys from 36 on are taken.

    >>> keys(["kick", "snare", "spoon", "kick"])
    [36, 38, 37, 35]
    """
    wanted = [drum_notes(name) for name in names]
    found: list[int | None] = [None] * len(names)
    for place, notes in enumerate(wanted):
        found[place] = next((note for note in notes if note not in found), None)
    for place, note in enumerate(found):
        if note is None:
            found[place] = next((key for key in range(LOWEST, HIGHEST + 1) if key not in found), None)
    return found
