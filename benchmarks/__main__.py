"""Measure what training and generating cost: python -m benchmarks step --model-dim 32 --batch-size 16"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.quality import COMPARISONS, quality
from wavegan.base.errors import UserError
from wavegan.cli.command import Parser, at_least, number_from_0_to, run
from wavegan.data.lengths import check_length
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.diffusion.settings import SOLVERS
from wavegan.models.gan.family import GAN
from wavegan.runs import flags as settings_flags

BENCHMARKS = {
    "layers": "every convolution against Keras' own",
    "step": "a training step against the matrix-product peak and a plain Keras WaveGAN",
    "flow": "a step of flow matching against the matrix-product peak, and the whole command that makes sounds",
    "input": "the input pipeline against the step that consumes it",
    "records": "opening a data set of many clips, and what a step waits for its order",
    "growth": "preparing, opening, shuffling, training on and evaluating corpora of more and more clips",
    "preprocess": "converting recordings against a plain loop",
    "generate": "making sounds against the matrix-product peak, and the whole command",
    "devices": "a step that 1, 2, 4 … devices share, its input, and what they tell each other (JAX)",
    "scaling": "a step's time and memory for more channels, longer clips, larger batches",
}

PICTURES = {
    "curves": ("RUN", "the curves of runs, from TensorBoard's events, as a picture"),
    "sheets": ("SHEET", "sheets of previews beside each other, as a picture"),
}

# To any benchmark:
NO_MATTER = (
    "steps",
    "preview_every",
    "evaluate_every",
    "checkpoint_every",
    "checkpoint_minutes",
    "keep_checkpoints",
    "deterministic",
)
# What the project wants to reach: {benchmark: {figure: (mark, the settings that it is about)}}.
STEP = {"model_dim": 32, "length": 16384, "batch_size": 16, "gpu": False}
CONVERT = {"length": 16384, "sample_rate": 16000}
GENERATE = {"model_dim": 64, "length": 16384, "gpu": False}
MILLION = {"length": 256, "channels": 1}  # of clips
ON_GPU = {"model_dim": 64, "length": 16384, "precision": "bfloat16", "gpu": True}
MARKS: dict[str, dict[str, tuple[str, Mapping[str, object]]]] = {
    "step": {
        "share_of_peak": ("≥ 0.60", {**STEP, "precision": "float32"}),
        "baseline_ratio": ("≥ 1.25", {**STEP, "precision": "float32"}),
        "float32_ratio": ("≥ 1.4", STEP),
        "steps_per_second": ("≥ 20", {**ON_GPU, "batch_size": 64}),
    },
    "flow": {
        "share_of_peak": ("≥ 0.50", {"gpu": False}),
        "seconds_of_50_sounds_whole_process": ("≤ 30", {"gpu": False}),
    },
    "input": {"input_ratio": ("≥ 10", {"model_dim": 16, "gpu": False})},
    "records": {
        "seconds_to_open": ("≤ 2", MILLION),
        "memory_mib_to_open": ("≤ 200", MILLION),
        "order_seconds_per_step_of_10_times_the_clips": ("≤ 0.001", MILLION),
    },
    "preprocess": {
        "baseline_ratio": ("≥ 15", CONVERT),
        "memory_ratio_of_4_times_the_files": ("about 1", CONVERT),
    },
    "generate": {
        "share_of_peak": ("≥ 0.60", {**GENERATE, "precision": "float32"}),
        "float32_ratio": ("≥ 1.5", GENERATE),
        "process_ratio": ("≤ 2.5", GENERATE),
        "times_real_time": ("≥ 50,000", ON_GPU),  # about 150 on two fast cores
    },
}
LAYERS = ("model_dim", "kernel_length", "precision")
SETTINGS = {
    "layers": (*LAYERS, "batch_size"),
    "generate": (*LAYERS, "latent_size"),
    "preprocess": (),
    "records": (),
    "growth": (),
}  # all others take all
FAMILIES = {"flow": DIFFUSION}  # of the benchmarks that are not a WaveGAN's
CLASSES = {f"kind {number}": 100 for number in range(10)}  # of the clips that a step learns from, and clips of each
OWN_FLAGS = ("source", "data", "clips", "at_once")  # of single benchmarks


def parser():
    flags = Parser(prog="python -m benchmarks", description="Measure time and memory, as ratios within one run.")
    commands = flags.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, help in BENCHMARKS.items():
        command = commands.add_parser(name, help=help, description=f"Measure {help}.")
        if name == "preprocess":
            command.add_argument("source", metavar="FOLDER", help="recordings")
        if name in ("input", "devices"):
            command.add_argument("--data", metavar="DIR", help="a data set (default: a drum kit, made for this)")
        if name == "generate":
            _add_number(command, "--clips", 64, "made in one timing")
            _add_number(command, "--batch-size", None, "clips computed at once", "as generate.py", "at_once")
        if name == "records":
            _add_number(command, "--clips", 10**6, "in the data set, which is made for this and removed")
        if name == "growth":
            sizes = "in each corpus, which is made for this and removed (default: 10000 100000)"
            command.add_argument(
                "--clips", type=at_least(100), nargs="+", default=[10**4, 10**5], metavar="INT", help=sizes
            )
        _add_number(command, "--repeats", 5, "rounds of timing")
        results = Path("benchmarks", "results.jsonl")
        command.add_argument(
            "--out", default=results, metavar="FILE", help=f"where a line of JSON is added (default: {results})"
        )
        _add_number(command, "--length", 256 if name in ("records", "growth") else 16384, "samples of a clip")
        _add_number(command, "--sample-rate", 16000, "Hz")
        if name != "preprocess":
            _add_number(command, "--channels", 1, "1 or 2")
        if name not in ("preprocess", "records", "growth"):  # which know no model
            settings_flags.add_flags(command, _family(name), ("preset", *_settings(name)))
        command.set_defaults(command=measure)
    _add_quality(commands)
    _add_sampling(commands)
    _add_pictures(commands)
    _add_pretrained(commands)
    return flags


def _add_quality(commands):
    help = "what recipes do to the sounds at equal time, the better half of them trained for longer, and so on"
    command = commands.add_parser("quality", help=help, description=f"Measure {help}.")
    command.add_argument("--data", required=True, nargs="+", metavar="DIR", help="data sets")
    command.add_argument("--out", required=True, metavar="DIR", help="for lines, table, curves and sheets")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--compare", choices=COMPARISONS, default="presets", help="recipes (default: presets)")
    recipes = "instead: flags of train_wavegan.py in quotes, or train_diffusion.py and its flags"
    which.add_argument("--recipe", nargs="+", metavar="FLAGS", help=recipes)
    minutes = "of each training, the better half going on to the next (default: 2 4 8)"
    command.add_argument("--minutes", type=float, nargs="+", default=[2, 4, 8], metavar="FLOAT", help=minutes)
    command.add_argument("--keep-all", action="store_true", help="train all recipes for all times")
    command.add_argument("--seeds", type=at_least(0), nargs="+", default=[0, 1], metavar="INT", help="default: 0 1")
    command.add_argument("--n", type=at_least(50), default=1000, metavar="INT", help="sounds scored (default: 1000)")
    command.add_argument("--cores", type=at_least(1), default=1, metavar="INT", help="that compute (default: 1)")
    command.set_defaults(command=quality)


def _add_sampling(commands):
    help = "what ways to sample do to the sounds of a flow matching run, or how far its variations of recordings lead"
    command = commands.add_parser("sampling", help=help, description=f"Measure {help}.")
    command.add_argument("--run", required=True, metavar="RUN", help="the run")
    command.add_argument("--checkpoint", default="latest", metavar="STEP", help="latest, best or its step")
    command.add_argument("--data", metavar="DIR", help="the data set (default: the run's)")
    command.add_argument("--n", type=at_least(50), default=600, metavar="INT", help="sounds scored (default: 600)")
    command.add_argument(
        "--steps", type=at_least(1), nargs="+", default=[2, 3, 4, 6], metavar="INT", help="default: 2 3 4 6"
    )
    command.add_argument("--solver", choices=SOLVERS, nargs="+", default=["heun"], help="default: heun")
    command.add_argument("--guidance", type=float, nargs="+", default=[1.5], metavar="FLOAT", help="default: 1.5")
    strength = "instead: variations of held-out recordings by these strengths, 0 to 1"
    command.add_argument("--strength", type=number_from_0_to(1, ""), nargs="+", metavar="FLOAT", help=strength)
    command.set_defaults(command=sampled)


def _add_pictures(commands):
    for name, (what, help) in PICTURES.items():
        command = commands.add_parser(name, help=help, description=f"Draw {help}.")
        command.add_argument("pictured", nargs="+", metavar=what)
        command.add_argument("--out", required=True, metavar="FILE", help="a PNG file")
        if name == "curves":
            command.add_argument("--title", default="", metavar="TEXT", help="heading of the picture")
            command.add_argument("--until", type=at_least(1), metavar="STEP", help="the last step drawn (default: all)")
        command.set_defaults(command=picture)


def _add_pretrained(commands):
    help = "what a small copy of a run is worth, and make it one that comes with the program, with its card"
    command = commands.add_parser("pretrained", help=help, description=f"Measure {help}.")
    command.add_argument("--run", required=True, metavar="DIR", help="the run")
    command.add_argument("--checkpoint", default="latest", metavar="STEP", help="latest, best or its step")
    command.add_argument("--name", required=True, metavar="NAME", help="of the folder in wavegan/pretrained/")
    command.add_argument("--machine", required=True, metavar="TEXT", help="that trained it, in general words")
    command.add_argument("--data", metavar="DIR", help="the data set (default: the run's)")
    command.add_argument("--n", type=at_least(50), default=2048, metavar="INT", help="sounds scored (default: 2048)")
    command.add_argument("--page", metavar="FILE", help="also make its page, such as docs/drums.html; it is replaced")
    command.set_defaults(command=make_pretrained)


def _settings(benchmark):
    """The names of the settings that make a difference to `benchmark`."""
    every = settings_flags.names(_family(benchmark))
    return SETTINGS.get(benchmark, [name for name in every if name not in ("preset", *NO_MATTER)])


def _family(benchmark):
    return FAMILIES.get(benchmark, GAN)


def _add_number(command, flag, default, help, shown=None, name=None):
    words = f"{help} (default: {shown or default})"
    to = {"dest": name} if name else {}
    command.add_argument(flag, type=at_least(1), default=default, metavar="INT", help=words, **to)


def main(argv=None):
    """The command; returns its exit code."""
    return run(parser(), lambda flags: flags.command(flags), argv)


def picture(flags):
    """Draw, for the commands of PICTURES."""
    from wavegan.base.quiet import import_quietly

    getattr(import_quietly("benchmarks.curves"), flags.benchmark)(flags)


def make_pretrained(flags):
    """Make a run that comes with the program."""
    from wavegan.base.quiet import import_quietly

    import_quietly("benchmarks.pretrained").pretrained(flags)


def sampled(flags):
    """The table of `sampling`."""
    from wavegan.base.quiet import import_quietly

    import_quietly("benchmarks.sampling").sampling(flags)


def measure(flags):
    family = _family(flags.benchmark)
    given = settings_flags.given_flags(flags, family)
    size = {name: getattr(flags, name) for name in ("length", "sample_rate", "channels") if hasattr(flags, name)}
    if "conditional" in _settings(flags.benchmark):
        size["classes"] = CLASSES
    check_length(flags.length)
    settings_flags.resolve(given, family, gpu=False, **size)  # a wrong value is reported before the heavy imports
    if flags.benchmark == "preprocess" and not Path(flags.source).is_dir():
        raise UserError(f"FOLDER must be a folder of recordings. Received: {flags.source}.")
    _check_out(flags.out)

    from wavegan.base.quiet import import_quietly
    from wavegan.data.schema import DatasetInfo

    import_quietly("wavegan.backend.autodiff")
    module = import_quietly(f"benchmarks.{flags.benchmark}")  # may import TensorFlow, which prints to standard error
    from benchmarks.measure import keep, machine, table
    from wavegan.backend import devices

    gpu = bool(devices.accelerators())
    if getattr(flags, "data", None):
        info = DatasetInfo.load(flags.data)
        size |= {"length": info.length, "sample_rate": info.sample_rate, "channels": info.channels}
    config = settings_flags.resolve(given, family, gpu=gpu, **size)
    own = {name: getattr(flags, name) for name in OWN_FLAGS if hasattr(flags, name)}
    figures = module.figures(config, flags.repeats, **own)
    here = machine()
    device = ", ".join(here["accelerators"]) or here["processor"]
    print(f"{device}, {here['cores']} cores, {devices.version()}, medians of {flags.repeats}")
    settings = {name: config.flat()[name] for name in (*_settings(flags.benchmark), *size)}
    print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items()) + "\n")
    marks = _marks(flags.benchmark, {**config.flat(), "gpu": gpu})
    print(table(rows(figures, marks)))
    # Folders are not kept: their names say something about a person, and nothing about the figures.
    timing = {"repeats": flags.repeats} | {name: own[name] for name in ("clips", "at_once") if name in own}
    keep(flags.out, flags.benchmark, settings, timing, figures)
    print(f"\nadded a line to {flags.out}")


def _check_out(path):
    """Raises UserError where no line can be added to `path`: before minutes of measuring, not after them."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        open(path, "a").close()
    except OSError as problem:
        raise UserError(f"--out {path} cannot be written ({problem.strerror}). Give another file.") from None


def _marks(benchmark, settings):
    """{figure: mark} of the marks that are about these settings."""
    known = MARKS.get(benchmark, {})
    return {name: mark for name, (mark, about) in known.items() if about.items() <= settings.items()}


def rows(figures, marks):
    """Figures as rows of a table: {name: figure} (with their marks), {row: {name: figure}} or [{name: figure}]."""
    if isinstance(figures, list):
        return [list(figures[0]), *[list(each.values()) for each in figures]]
    if all(isinstance(value, dict) for value in figures.values()):
        heads = list(next(iter(figures.values())))
        return [["", *heads], *[[name, *each.values()] for name, each in figures.items()]]
    if not marks:
        return [["figure", "value"], *figures.items()]
    return [["figure", "value", "mark"], *[[name, value, marks.get(name, "")] for name, value in figures.items()]]


if __name__ == "__main__":
    raise SystemExit(main())
