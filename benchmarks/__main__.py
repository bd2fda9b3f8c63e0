"""Measure what training and generating cost: python -m benchmarks step --model-dim 32 --batch-size 16"""

from pathlib import Path

from preprocess.command import Parser, at_least, exit_code
from wavegan import config as configuration

BENCHMARKS = {
    "layers": "every convolution against Keras' own",
    "step": "a training step against the matrix-product peak and a plain Keras WaveGAN",
    "input": "the input pipeline against the step that consumes it",
    "preprocess": "converting recordings against a plain loop",
    "generate": "making sounds against the matrix-product peak, and the whole command",
    "scaling": "a step's time and memory for more channels, longer clips, larger batches",
}


# What the project wants to reach with the configurations of docs/performance.md, beside the figures it is about.
MARKS = {
    "step": {"share_of_peak": "≥ 0.60", "baseline_ratio": "≥ 1.25", "float32_ratio": "≥ 1.4"},
    "input": {"input_ratio": "≥ 10"},
    "preprocess": {"baseline_ratio": "≥ 15", "memory_ratio_of_4_times_the_files": "about 1"},
    "generate": {"share_of_peak": "≥ 0.60", "float32_ratio": "≥ 1.5", "process_ratio": "≤ 2.5"},
}


def parser():
    flags = Parser(prog="python -m benchmarks", description="Measure time and memory, as ratios within one run.")
    commands = flags.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    for name, help in BENCHMARKS.items():
        command = commands.add_parser(name, help=help, description=f"Measure {help}.")
        if name == "preprocess":
            command.add_argument("source", metavar="FOLDER", help="recordings")
        if name == "input":
            command.add_argument("--data", metavar="DIR", help="a data set (default: a drum kit, made for this)")
        if name == "generate":
            _add_number(command, "--clips", 64, "made in one timing")
            _add_number(command, "--at-once", None, "clips computed at once", "as generate.py")
        _add_number(command, "--repeats", 5, "rounds of timing")
        results = Path("benchmarks", "results.jsonl")
        command.add_argument(
            "--out", default=results, metavar="FILE", help=f"where a line of JSON is added (default: {results})"
        )
        _add_number(command, "--length", 16384, "samples of a clip")
        _add_number(command, "--sample-rate", 16000, "Hz")
        _add_number(command, "--channels", 1, "1 or 2")
        configuration.add_flags(command, without=("steps", "preview_every", "checkpoint_every"))
    return flags


def _add_number(command, flag, default, help, shown=None):
    command.add_argument(
        flag, type=at_least(1), default=default, metavar="INT", help=f"{help} (default: {shown or default})"
    )


def main(argv=None):
    """The command; returns its exit code."""
    return exit_code(measure, parser().parse_args(argv))


def measure(flags):
    given = configuration.given_flags(flags)
    size = {name: getattr(flags, name) for name in ("length", "sample_rate", "channels")}
    configuration.resolve(given, gpu=False, **size)  # a wrong value is told before the heavy imports
    if flags.benchmark == "preprocess" and not Path(flags.source).is_dir():
        from preprocess import UserError

        raise UserError(f"FOLDER must be a folder of recordings. Received: {flags.source}.")

    from preprocess.records import import_quietly

    autodiff = import_quietly("wavegan.autodiff")
    from importlib import import_module

    from benchmarks.measure import keep, machine, table

    config = configuration.resolve(given, gpu=bool(autodiff.accelerators()), **size)
    module = import_module(f"benchmarks.{flags.benchmark}")
    words = [getattr(flags, name) for name in ("source", "data", "clips", "at_once") if hasattr(flags, name)]
    figures = module.figures(config, flags.repeats, *words)
    here = machine()
    device = ", ".join(here["accelerators"]) or here["processor"]
    print(f"{device}, {here['cores']} cores, {autodiff.version()}, {config.precision}, medians of {flags.repeats}")
    size = f"model dim {config.model_dim}, {config.length} samples, batch size {config.batch_size}"
    print(f"preset {config.preset}: {size}, {config.critic_updates} critic updates\n")
    print(table(rows(figures, MARKS.get(flags.benchmark, {}))))
    keep(flags.out, flags.benchmark, config, figures)


def rows(figures, marks):
    """Figures as rows of a table: {name: figure} (with their marks), {row: {name: figure}} or [{name: figure}]."""
    if isinstance(figures, list):
        return [list(figures[0]), *[list(each.values()) for each in figures]]
    if all(isinstance(value, dict) for value in figures.values()):
        heads = list(next(iter(figures.values())))
        return [["", *heads], *[[name, *each.values()] for name, each in figures.items()]]
    return [["figure", "value", "mark"], *[[name, value, marks.get(name, "")] for name, value in figures.items()]]


if __name__ == "__main__":
    raise SystemExit(main())
