"""Make sounds with a trained model: python generate.py --n 50"""

import argparse
from functools import partial
from pathlib import Path

from wavegan.base.errors import UserError
from wavegan.base.settings import add_flags, options_of
from wavegan.base.text import tell, warn
from wavegan.cli.command import Parser, at_least, import_backend, not_empty, number_from_0_to, number_up_to, run
from wavegan.generation import latents, saved
from wavegan.generation.asked import check, with_classes
from wavegan.generation.recording import Cut, Recording
from wavegan.generation.sampling import check_guidance, made_otherwise, sampling_of, unusual
from wavegan.generation.saved import Named
from wavegan.generation.start import start
from wavegan.models.family import BUILT_IN, Family, family_named
from wavegan.models.latents import FARTHEST, PATHS, LatentSpace
from wavegan.runs.config import Config
from wavegan.runs.run import Run, find_run, newest_run

SOFT = 0.3  # of the recordings' loudness: what is worth a note
FAR = 10  # times as soft or as loud as these: what a recording of one's own should not be
WAYS = ("from", "interpolate", "around", "like")  # of choosing latents, beside that of new ones, which is None
DRAWN = (None, "around", "like")  # those that draw some
GOES_WITH = {
    "n": (*DRAWN, "interpolate"),
    "per_class": (None,),
    "seed": DRAWN,
    "path": ("interpolate",),
    "spread": ("around", "like"),
    "strength": ("like",),
    "keep": ("like",),
    "at": ("like",),
}


class _Once(argparse.Action):
    """A flag that is refused where it is given a second time, which would replace the first unnoticed."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "is given once; a mixture is written kick:0.7,snare:0.3")
        setattr(namespace, self.dest, values)


def parser() -> Parser:
    """Of the command's flags."""
    flags = Parser(
        description="Make sounds: WAV files, their latents and a picture. New sounds; or those of a LATENT, which is "
        "FILE.npz:INDEX (latents.npz, preview_latents.npz), a WAV file that this command or a training made, or a "
        "seed; or what is nearest to a RECORDING, which is any file with sound."
    )
    add = flags.add_argument
    n = "how many sounds (default: 50; with --around and --like: 16; with --interpolate: 8)"
    add("--n", type=at_least(1), metavar="INT", help=n)
    run = "its folder, or drums or digits, which come with it (default: that of the LATENT, or the newest under runs/)"
    of_class = "sounds of this class, or of a mixture such as kick:0.7,snare:0.3 (default: as in the recordings)"
    add("--class", type=not_empty, action=_Once, metavar="NAME", help=of_class)
    add("--per-class", type=at_least(1), metavar="INT", help="how many sounds of every class, instead of --n")
    add("--run", type=not_empty, metavar="RUN", help=run)
    add("--checkpoint", metavar="STEP", help="latest, best or its step (default: that of the LATENT, or latest)")
    add("--seed", type=at_least(0), metavar="INT", help="seed, for the same sounds again (default: new ones)")
    add("--out", type=not_empty, metavar="DIR", help="a new folder (default: generated/<run>/step-<step>)")
    way = flags.add_mutually_exclusive_group()
    one = partial(way.add_argument, type=not_empty, metavar="LATENT")
    one("--from", help="these sounds again: one, or with FILE.npz all of them")
    way_help = "sounds on the way from one to the other, both included; each a LATENT or a RECORDING"
    one("--interpolate", nargs=2, help=way_help)
    one("--around", help="this sound and variations of it")
    like = "variations of a recording of yours; of a WaveGAN, of the sound that is nearest to it"
    one("--like", metavar="RECORDING", help=like)
    add("--path", choices=PATHS, help="of --interpolate; linear is quieter in the middle (default: spherical)")
    spread = "how far variations go from the sound, up to 2, where nothing of it is left (default: 0.3)"
    add("--spread", type=number_up_to(FARTHEST), metavar="FLOAT", help=spread)
    at = "second of the recording of --like where the clip begins (default: of a longer one, where its sound begins)"
    add("--at", type=number_from_0_to(86_400, " seconds"), metavar="SECONDS", help=at)
    _add_starting(flags)
    return flags


def _add_starting(flags: Parser) -> None:
    """Flags that not every model family has."""
    only = flags.add_argument_group("of a flow matching model")
    strength = "how much of the recording of --like is replaced, 0 to 1 (default: 0.5, with --keep: 1)"
    only.add_argument("--strength", type=number_from_0_to(1, ""), metavar="FLOAT", help=strength)
    keep = (
        "seconds of the recording of --like that are kept, such as 0:0.25, or :0.2,0.3: around a gap, or : for all of "
        "a short one, from whose end new sound goes on; the rest is new"
    )
    only.add_argument("--keep", type=not_empty, metavar="START:END[,…]", help=keep)
    for name in BUILT_IN:
        add_flags(only, family_named(name).Sampling, {})
    (steps,) = (action for action in flags._actions if action.dest == "steps")
    steps.help = f"{steps.help}; of a WaveGAN, with --interpolate: how many sounds"


def main(argv: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    return run(parser(), generate_sounds, argv)


def generate_sounds(flags: argparse.Namespace) -> None:
    """Makes sounds as the flags say, and prints what they are."""
    way = _way(flags)
    sources = _sources(flags, way)
    origin = next((source.origin for source in sources if isinstance(source, Named) and source.origin), None)
    run = find_run(flags.run) if flags.run else origin.found() if origin else newest_run()
    config = run.config()  # a missing run is reported before the heavy imports
    step = _step(flags, run, origin)
    if flags.out and (Path(flags.out).is_file() or Path(flags.out).resolve() == Path.cwd()):
        raise UserError(f"--out must be a new folder. Received: {flags.out}, which is there.")
    if flags.per_class and (flags.n or vars(flags)["class"]):
        raise UserError("--per-class does not go with --n and --class. Leave out --per-class, or the other.")
    check(config, vars(flags)["class"], flags.per_class)
    family = family_named(config.family)
    given = vars(flags) | ({"steps": None} if _counts(flags, way, family) else {})
    sampling = sampling_of(given, run.title, family, sources)
    if family.starts and way == "like" and flags.spread:
        raise UserError(f"--spread does not go with --like of a {family.title}. Give --strength instead.")
    recordings = [source for source in sources if isinstance(source, Recording)]
    if way == "interpolate":
        latents.check_ends(source for source in sources if isinstance(source, Named))
    if recordings and len(recordings) == len(sources) and not given["class"]:
        check_guidance(given, None, config.classes)  # before a search that takes a while
    if way == "like" and family.starts:
        chosen, named, near = _like(flags, family, config), list[Named](), list[str]()
    else:
        named, step, near = _found(flags, sources, run, config, step, sampling)
        chosen = _latents(flags, way, named, family, config)
    chosen = with_classes(chosen, config, named, vars(flags)["class"], flags.per_class)
    check_guidance(given, chosen.classes, config.classes)

    heading = f"{_sounds(len(chosen.values))}, {chosen.title}"
    warn(f"making {heading}: run {run.title}, step {run.latest() if step is None else step} …")
    import_backend()
    from wavegan.generation.generate import generate

    made = generate(run, chosen, step, flags.out, warn, sampling)
    speed = made.sound_s / made.compute_s
    tell(f"{_sounds(made.clips)} in {made.folder}: WAV files, sheet.png, latents.npz")
    tell(", ".join(filter(None, (f"run {run.title}", f"step {made.step}", chosen.title, unusual(sampling)))), *near)
    if made.step == 0:
        tell("note: at step 0 nothing has been learned yet; this is noise")
    # An RMS of 1.0 stands for recordings that nobody measured.
    elif made.loudness < SOFT and not recordings and chosen.start is None and config.data.rms < 1.0:
        tell(f"note: the sounds are {made.loudness:.0%} as loud as recordings; a model begins softly: train it longer")
    for other in sorted({str(source.origin) for source in named if not source.sounds_as_saved(run, made.step)}):
        tell(f"note: these are not the saved sounds: those are of {other}")
    for words in sorted({made_otherwise(source, sampling, chosen.classes) for source in named} - {""}):
        tell(f"note: these are not the saved sounds: those were made with {words}")
    times = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
    tell(f"{made.sound_s:.1f} s of sound computed in {made.compute_s:.2f} s: {times} × real time")


def _sounds(count: int) -> str:
    return "1 sound" if count == 1 else f"{count} sounds"


def _way(flags: argparse.Namespace) -> str | None:
    """Which of `WAYS` was given; None for new sounds."""
    way = next((name for name in WAYS if vars(flags)[name]), None)
    for name, ways in GOES_WITH.items():
        flag = name.replace("_", "-")
        if vars(flags)[name] is not None and way not in ways:
            raise UserError(
                f"--{flag} does not go with --{way}. Leave one of the two out."
                if way
                else f"--{flag} needs --{ways[0]}. Give both or neither."
            )
    return way


def _counts(flags: argparse.Namespace, way: str | None, family: Family) -> bool:
    """Whether --steps says how many sounds there are, as before there were families with steps."""
    if way != "interpolate" or options_of(family.Sampling) or "steps" not in flags:
        return False
    if flags.n:
        raise UserError(f"--steps is another name of --n for a {family.title}. Leave one of the two out.")
    if flags.steps < 2:
        raise UserError(
            f"--steps must be 2 or more with --interpolate, which makes both ends. Received: {flags.steps}."
        )
    return True


def _sources(flags: argparse.Namespace, way: str | None) -> list[Named | Recording]:
    """The latents and recordings to start from, if any."""
    if way is None:
        return []
    text = vars(flags)[way]
    if way == "interpolate":
        return [Recording(each) if saved.is_recording(each) else saved.one(each) for each in text]
    if way == "like":
        return [Recording(text)]
    return [saved.named(text) if way == "from" else saved.one(text)]


def _found(
    flags: argparse.Namespace,
    sources: list[Named | Recording],
    run: Run,
    config: Config,
    step: int | None,
    sampling: object,
) -> tuple[list[Named], int | None, list[str]]:
    """`sources` with the latents nearest to the recordings in their places, the step, and how near these are."""
    heard = {source: _heard(source, config, flags.at) for source in sources if isinstance(source, Recording)}
    if not heard:
        return [source for source in sources if isinstance(source, Named)], step, []
    names = " and ".join(source.name for source in heard)
    warn(f"looking for what is nearest to {names}: run {run.title}, step {run.latest() if step is None else step} …")
    import_backend()
    from wavegan.generation.generate import load_sampler
    from wavegan.generation.nearest import named_like

    sampler, config, step = load_sampler(run, step, warn, sampling)
    found, words = [], []
    for source in sources:
        if isinstance(source, Recording):
            source, near = named_like(
                source.name, heard[source].audio, sampler, config, vars(flags)["class"], flags.seed or 0
            )
            words.append(near)
        found.append(source)
    return found, step, words


def _heard(recording: Recording, config: Config, at: float | None) -> Cut:
    """The sound of a recording as the clips of the run are; says what was made of it."""
    cut = recording.cut(config.data.clip, at)
    warn(cut.words)
    return cut


def _like(flags: argparse.Namespace, family: Family, config: Config) -> latents.Latents:
    """The latents of sounds that begin from the recording of --like."""
    recording = Recording(flags.like)
    cut = _heard(recording, config, flags.at)
    begins = start(cut.audio, config.data.clip, flags.strength, flags.keep, cut.length)
    level = cut.rms / config.data.rms
    if config.data.rms < 1.0 and not 1 / FAR < level < FAR:
        warn(
            f"note: {recording.name} is {level:.3g} times as loud as the run's recordings: with their loudness, its "
            "variations are clearer"
        )
    n = flags.n or (1 if begins.strength == 0 else 16)  # which are all alike
    return latents.like(recording.name, begins, n, *_space(family, config), flags.seed)


def _step(flags: argparse.Namespace, run: Run, origin: saved.Origin | None) -> int | None:
    """The step of the checkpoint that was named, else of that which made the saved sounds, else None for the newest."""
    if flags.checkpoint is None and origin and origin.is_of(run):
        return origin.kept_step(run)
    step = run.named_step(flags.checkpoint or "latest")
    run.check(run.latest() if step is None else step)
    return step


def _space(family: Family, config: Config) -> tuple[LatentSpace, tuple[int, ...]]:
    return family.latents, family.latent_shape(config.model, config.data.clip)


def _latents(
    flags: argparse.Namespace, way: str | None, sources: list[Named], family: Family, config: Config
) -> latents.Latents:
    space, shape = _space(family, config)
    if way == "from":
        return latents.again(sources[0], space, shape)
    if way == "interpolate":
        n = flags.n or (flags.steps if _counts(flags, way, family) else 8)
        if n < 2:
            raise UserError(f"--n must be 2 or more with --interpolate, which makes both ends. Received: {n}.")
        return latents.between(sources, n, flags.path or "spherical", space, shape)
    if way in ("around", "like"):
        return latents.around(sources[0], flags.n or 16, flags.spread or 0.3, space, shape, flags.seed)
    n = flags.per_class * max(1, len(config.classes)) if flags.per_class else flags.n or 50
    return latents.new(n, space, shape, flags.seed)
