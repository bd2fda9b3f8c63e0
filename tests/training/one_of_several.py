"""A training that says every step, for tests that end it: python -m tests.training.one_of_several COMMAND FLAGS

COMMAND is "train" or "train-diffusion". A step takes a while, so that whoever reads along can act; the classifier
learns little, and evaluations may take as long as they like.
"""

import sys
import time

from wavegan.base.quiet import import_quietly
from wavegan.base.text import tell


def main(command, *flags):
    import_quietly("wavegan.backend.autodiff")
    from wavegan.backend import watch
    from wavegan.cli import train
    from wavegan.evaluation.judge import classifier
    from wavegan.training import scoring
    from wavegan.training.callbacks import StopOnInterrupt

    watch.PATIENCE_S, scoring.SHARE = 10.0, 1000.0
    answered = StopOnInterrupt.on_step

    def on_step(self, step, logs):
        answered(self, step, logs)
        tell(f"step {step}")
        time.sleep(0.3)

    StopOnInterrupt.on_step = on_step
    classifier.FEWEST_LOOKS = classifier.MOST_LOOKS = 640
    return {"train": train.main, "train-diffusion": train.main_diffusion}[command](list(flags))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
