"""What samplers are told of a kit: SFZ (https://sfzformat.com) and Decent Sampler presets, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from wavegan.generation.export.drums import HIGHEST, LOWEST, is_hat


@dataclass(frozen=True)
class Key:
    """A MIDI key, and the sounds that it plays in turn.

    Attributes:
        note: 0 to 127.
        name: of the sounds.
        samples: paths of WAV files, relative to the preset.
    """

    note: int
    name: str
    samples: Sequence[str]


def a_key_each(keys: Sequence[Key]) -> list[Key]:
    """The same sounds, each on a key of its own from 36 on; none where there are more sounds than keys."""
    named = [(key.name, sample) for key in keys for sample in key.samples]
    if len(named) > HIGHEST + 1 - LOWEST:
        return []
    return [Key(LOWEST + place, name, [sample]) for place, (name, sample) in enumerate(named)]


def sfz(title: str, keys: Sequence[Key]) -> str:
    """An SFZ instrument: every sound to its end whatever the length of a note, those of a key in turn."""
    lines = [f"// {title}", "<global> loop_mode=one_shot"]
    for key in keys:
        choked = " group=1 off_by=1" if is_hat(key.name) else ""
        lines += ["", f"// {key.name}", f"<group> key={key.note}{choked} seq_length={len(key.samples)}"]
        lines += [f"<region> seq_position={turn} sample={path}" for turn, path in enumerate(key.samples, 1)]
    return "\n".join([*lines, ""])


def dspreset(title: str, keys: Sequence[Key]) -> str:
    """A Decent Sampler preset that plays as `sfz` does."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<!-- {title.replace('--', '-')} -->"]
    lines += ['<DecentSampler minVersion="1.0.0">', '  <groups ampEnvEnabled="false">']
    for key in keys:
        choked = ' tags="hats" silencedByTags="hats" silencingMode="fast"' if is_hat(key.name) else ""
        turns = f'seqMode="round_robin" seqLength="{len(key.samples)}"'
        lines.append(f"    <group name={quoteattr(key.name)} {turns}{choked}>")
        note = f'rootNote="{key.note}" loNote="{key.note}" hiNote="{key.note}"'
        for turn, path in enumerate(key.samples, 1):
            lines.append(f'      <sample path={quoteattr(path)} {note} seqPosition="{turn}"/>')
        lines.append("    </group>")
    return "\n".join([*lines, "  </groups>", "</DecentSampler>", ""])
