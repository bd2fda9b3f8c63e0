"""Make new sounds with a trained WaveGAN: python generate.py --n 50"""

import sys
from functools import partial
from pathlib import Path

from preprocess import UserError
from preprocess.command import Parser, at_least, exit_code, not_empty
from wavegan.runs import Run, newest_run


def parser():
    flags = Parser(description="Make new sounds: WAV files, their latents and a picture.")
    flags.add_argument("--n", type=at_least(1), default=50, metavar="INT", help="how many sounds (default: 50)")
    flags.add_argument("--run", type=not_empty, metavar="DIR", help="the run to use (default: the newest under runs/)")
    flags.add_argument("--checkpoint", metavar="STEP", default="latest", help="latest, or its step (default: latest)")
    flags.add_argument("--seed", type=at_least(0), metavar="INT", help="for the same sounds again (default: new ones)")
    flags.add_argument(
        "--out", type=not_empty, metavar="DIR", help="a new folder (default: generated/<run>/step-<step>)"
    )
    flags.add_argument(
        "--batch-size",
        type=at_least(1),
        metavar="INT",
        help="sounds at once (default: what makes a million samples)",
    )
    return flags


def main(argv=None):
    """The command; returns its exit code."""
    return exit_code(generate_sounds, parser().parse_args(argv))


def generate_sounds(flags):
    run = Run(flags.run) if flags.run else newest_run()
    run.config()  # a missing run is told before the heavy imports
    step = None if flags.checkpoint == "latest" else _step(flags.checkpoint)
    run.check(run.latest() if step is None else step)
    if flags.out and (Path(flags.out).is_file() or Path(flags.out).resolve() == Path.cwd()):
        raise UserError(f"--out must be a new folder. Received: {flags.out}, which is there.")

    from preprocess.records import import_quietly

    import_quietly("wavegan.autodiff")  # first, because TensorFlow below it would talk
    from wavegan.generation import generate

    warn = partial(print, file=sys.stderr)
    made = generate(run, flags.n, flags.seed, step, flags.out, flags.batch_size, warn)
    speed = made.sound_s / made.compute_s
    print(f"{made.clips} sounds in {made.folder}: WAV files, sheet.png, latents.npz")
    print(f"run {run.path}, step {made.step}, seed {made.seed}")
    if made.step == 0:
        print("note: at step 0 nothing has been learned yet; this is noise")
    print(f"{made.sound_s:.1f} s of sound computed in {made.compute_s:.2f} s: {speed:,.0f} × real time")


def _step(text):
    if not text.isdecimal():
        raise UserError(f"--checkpoint must be latest or a step. Received: {text}.")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
