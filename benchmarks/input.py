"""The input pipeline against the step that consumes it."""

import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import in_turns, median_ratio
from benchmarks.step import round_of_steps, steps_in_round
from preprocess.convert import prepare
from preprocess.options import Options
from wavegan.data.batches import training_batches
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo

STEPS = 20  # of input in one timing


def figures(config, repeats, data=None):
    """{name: figure} of reading `data`, whose clips `config` describes, alone and as a ratio to the step.

    A drum kit is made where `data` is None.
    """
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data = Path(folder) / "drums"
            prepare(["drums"], data, Options(sample_rate=config.data.sample_rate, length=config.data.length))
        info = DatasetInfo.load(data)
        records = Records(data, info)

        def read():
            batches = training_batches(
                records, info, config.training.batch_size, config.model.critic_updates, config.training.seed
            )
            for _ in batches.take(STEPS):
                pass

        times = in_turns({"input": read, "step": round_of_steps(config.build_model(), config)}, repeats)
    seconds, steps = statistics.median(times["input"]) / STEPS, steps_in_round(config)
    return {
        "input_seconds_per_step": seconds,
        "seconds_per_step": statistics.median(times["step"]) / steps,
        "clips_per_second": config.model.critic_updates * config.training.batch_size / seconds,
        "input_ratio": STEPS / steps * median_ratio(times["step"], times["input"]),
    }
