"""One of several processes that do something together, as a script: python -m tests.backend.joined PORT N K WHAT

Prints "step S" after every step, of which each waits for all processes. WHAT is "count", which ends after 200 steps;
"stop", where the last process asks for an end at step 3; "mistake" or "failure", which the last process makes at step
3; or "other", where the last one has other settings. Any other WHAT is a file: in it, the first process leaves what
`many_devices` says of a WaveGAN that two devices of each process trained, of an archive of one number of devices.
"""

import sys
import time

import jax
import numpy as np

from wavegan.backend import processes, watch
from wavegan.base.errors import UserError
from wavegan.base.text import tell, warn

watch.PATIENCE_S = 10.0


def count(what):
    """What all processes do together."""
    last = processes.number() == processes.size() - 1
    processes.alike({"--seed": 1 if last and what == "other" else 0})
    arrays = processes.arrays_of_first(
        {"a": np.arange(3.0), "b": np.array([-0.0], "float32")} if processes.first() else None
    )
    told = processes.by_first(lambda: ["told by", processes.number()])
    tell(f"{told} {arrays['a'].dtype} {arrays['a'].tolist()} {np.signbit(arrays['b']).tolist()}")
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("batch",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    total, stop = jax.jit(lambda x: x.sum()), processes.SameStep()
    for step in range(1, 201):
        mine = np.ones(jax.local_device_count(), "float32")
        found = float(total(jax.make_array_from_process_local_data(sharding, mine)))
        assert found == jax.device_count()
        tell(f"step {step}")
        if last and step == 3 and what == "mistake":
            raise UserError("the disk is full.")
        if last and step == 3 and what == "failure":
            raise ZeroDivisionError("a bug")
        if stop(step, last and what == "stop" and step >= 3):
            break
        time.sleep(0.05)
    return step


def train(out):
    """A model that all processes train."""
    from tests.backend.many_devices import KINDS, trained

    found = trained(*KINDS["gan"][:2], devices=2)
    if processes.first():
        np.savez(out, **found)


def main(port, size, number, what):
    try:
        with processes.joined(f"127.0.0.1:{port}", int(size), int(number)):
            if what.endswith(".npz"):
                train(what)
            else:
                tell(f"ends at {count(what)}")
    except UserError as problem:
        warn(f"error: {problem}")
        processes.end_at_once(2)


if __name__ == "__main__":
    main(*sys.argv[1:])
