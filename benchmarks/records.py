"""A data set of many clips: what opening it takes, and what a step waits for its order."""

import multiprocessing
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from preprocess.shards import Shards, shard_count
from wavegan.base.quiet import import_quietly
from wavegan.data.batches import Order
from wavegan.data.records import Records
from wavegan.data.schema import SPLITS, DatasetInfo, write_example

PER_STEP = 320  # clips, as `paper` reads


def figures(config, repeats, clips):
    """{name: figure} of a data set of `clips` clips of noise, which is made for this (600 MB for a million of 256)."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"making {clips:,} clips", file=sys.stderr)
        _make(Path(folder), config, clips)
        opened = []
        for _ in range(repeats):
            # A process of its own, because a peak of memory never goes down again.
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, spawn, import_quietly, ("tensorflow",)) as pool:
                opened.append(pool.submit(_open, folder).result())
    seconds, growth = (statistics.median(each) for each in zip(*opened, strict=True))
    few, many = (_order(number) for number in (clips, 10 * clips))
    return {
        "clips": clips,
        "seconds_to_open": seconds,
        "memory_mib_to_open": growth / 2**20,
        "order_first_step_seconds": few["first"],
        "order_seconds_per_step": few["mean"],
        "order_slowest_step_seconds": few["slowest"],
        "order_first_step_seconds_of_10_times_the_clips": many["first"],
        "order_seconds_per_step_of_10_times_the_clips": many["mean"],
        "order_slowest_step_seconds_of_10_times_the_clips": many["slowest"],
    }


def _make(folder, config, clips):
    """A data set all of train, written as `python -m preprocess` writes it."""
    noise = np.random.default_rng(0).integers(-32768, 32768, (1024, config.data.length, config.data.channels), np.int16)
    size = 2 * config.data.length * config.data.channels
    with Shards(folder, dict.fromkeys(SPLITS, 1) | {"train": shard_count(size * clips, fewest=4)}) as shards:
        for number in range(clips):
            pcm = noise[number % len(noise)].tobytes()
            shards.write("train", write_example(pcm, 0, f"noise/{number}.wav", 0))
        files = shards.finish()
    splits = {
        split: {"files": files[split], "clips": clips * (split == "train"), "hours": 0.0, "clips_per_class": {}}
        for split in SPLITS
    }
    shape = (config.data.sample_rate, config.data.length, config.data.channels)
    DatasetInfo("noise", *shape, ["noise"], splits, {}, {}, {}, []).save(folder)


def _open(folder):
    """Seconds of opening the data set, and bytes that the process grew by meanwhile, at most."""
    before = _memory("VmRSS")
    started = time.perf_counter()
    records = Records(folder, DatasetInfo.load(folder))
    seconds = time.perf_counter() - started
    assert len(records.read([0, len(records) - 1])) == 2
    return seconds, _memory("VmHWM") - before


def _memory(name):
    """Bytes of this process that the kernel counts under `name`: VmRSS now, VmHWM at most since it began."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _order(clips):
    """Seconds that the steps of an epoch and a half wait for their order, {name: figure}.

    Before the second epoch there is a pause as long as two draws: a real half of an epoch takes minutes.
    """
    order, times = Order(clips, seed=0), []
    half = clips // (2 * PER_STEP) + 1
    for step in range(3 * half):
        started = time.perf_counter()
        order(step * PER_STEP, PER_STEP)
        times.append(time.perf_counter() - started)
        if step == half:
            time.sleep(2 * times[0])
    return {"first": times[0], "mean": statistics.mean(times[1:]), "slowest": max(times[1:])}
