"""A step that several devices share: its speed, what of it is input, and what the devices tell each other."""

import multiprocessing
import os
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.measure import in_turns
from preprocess.convert import prepare
from preprocess.options import Options
from wavegan.data.batches import endless_batches
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo

ON_CPU = 4  # forced devices, at most, where there is no accelerator
STEPS = 20  # in one timing


def figures(config, repeats, data=None):
    """[{"devices": how many, …}]: the step that `config` describes, its batch shared by 1, 2, 4 … devices.

    On the clips of `data`, which `config` describes; a drum kit is made where that is None. On a CPU the devices are
    forced ones, which share its cores: there, the efficiency is the speed as a share of that of one device; on
    accelerators, of that of as many single ones.
    """
    from wavegan.backend import devices, distribution

    distribution.require_jax("python -m benchmarks devices")
    there = len(devices.accelerators())
    numbers = [2**power for power in range(10) if 2**power <= (there or ON_CPU)]
    if not there:
        forced = f"--xla_force_host_platform_device_count={ON_CPU}"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {forced}".strip()  # of the processes below
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data = Path(folder) / "drums"
            prepare(["drums"], data, Options(sample_rate=config.data.sample_rate, length=config.data.length))
        rows = []
        for number in numbers:
            # A process of its own, because JAX keeps the devices it began with.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                rows.append({"devices": number} | pool.submit(_point, config, number, data, repeats).result())
    for row in rows:
        row["efficiency"] = row["steps_per_second"] / rows[0]["steps_per_second"] / (row["devices"] if there else 1)
    return rows


def _point(config, number, data, repeats):
    from wavegan.base.quiet import import_quietly

    import_quietly("wavegan.backend.autodiff")
    from wavegan.backend import distribution, exchange

    info = DatasetInfo.load(data)
    records = Records(data, info)
    size, updates = config.training.batch_size, config.model.critic_updates
    with distribution.shared(number):
        distribution.check_batch(size)
        model = config.build_model()
        steps = endless_batches(records, info, size, updates, config.training.seed)
        batches = ((step,) for step in steps)  # as Keras takes them from a generator
        (one,) = next(batches)
        timed = {
            "step": lambda: [model.train_on_batch(one, return_dict=True) for _ in range(STEPS)],
            "training": lambda: model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0),
        }
        told = {}
        if number > 1:
            told = exchange.exchanged(exchange.program_of_step(model, one))
            timed["exchange"] = exchange.all_reduce(told["all-reduce"] // 4)  # float32, all sums of a step at once
        times = {name: statistics.median(each) for name, each in in_turns(timed, repeats).items()}
    return {
        "steps_per_second": STEPS / times["training"],
        "efficiency": None,
        "input_share": max(0.0, 1 - times["step"] / times["training"]),
        "all_reduce_mib": told.get("all-reduce", 0) / 2**20,
        "other_exchange_mib": (sum(told.values()) - told.get("all-reduce", 0)) / 2**20,
        "exchange_share": STEPS * times.get("exchange", 0.0) / times["training"],
    }
