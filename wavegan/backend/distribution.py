"""Several devices, also of several processes: the batch of a step is shared out, and the step is that of one device.

Only JAX does so here, by `keras.distribution.DataParallel`: every device has all weights, arrays that begin with the
batch are divided, and what is compiled is the program of the whole batch. Random numbers, means over a batch, and what
the clips of a group are to each other, are therefore those of the whole batch; XLA adds what devices tell each other.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wavegan.backend import processes
from wavegan.backend.autodiff import Tensor
from wavegan.backend.exchange import all_reduce
from wavegan.backend.start import BACKEND, keras
from wavegan.base.errors import UserError

if BACKEND == "jax":
    import jax

ALL = 0  # devices: as many as there are


def with_jax(command: str) -> str:
    """How `command` is typed so that JAX computes."""
    return f"KERAS_BACKEND=jax {command}"


def require_jax(command: str) -> None:
    """Raises UserError where the backend shares nothing out; `command` is what is typed to do it with JAX."""
    if BACKEND != "jax":
        raise UserError(
            f"--devices needs JAX: TensorFlow trains on one device. {with_jax(command)} (pip install -e '.[jax]')."
        )


@contextmanager
def shared(devices: int | None) -> Iterator[None]:
    """Shares out the batches of all models that are made in the block.

    Args:
        devices: how many of each process share, `ALL` or the first of them; None: as without the block.

    Raises UserError where there are not so many.
    """
    if devices is None:
        yield
        return
    names = _names(devices)
    # A single one shares nothing; and Keras would have JAX compile the step twice for it. Each process reads its own
    # part of a batch: there is nothing for Keras to share out before that.
    several = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False) if len(names) > 1 else None
    with _set(several):
        if several and processes.size() > 1:
            # Here all are at the same place. At the first step one may still compile, and JAX lets devices of several
            # hosts wait 30 s for each other when they meet for the first time; later, as long as it takes.
            all_reduce(1)()
        yield


@contextmanager
def _set(distribution: keras.distribution.DataParallel | None) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _names(devices: int) -> list[str]:
    """Those of the devices that share, as Keras knows them: process by process, as the batch is divided."""
    here = jax.local_devices()
    if devices > len(here):
        raise UserError(
            f"--devices {devices} is more than JAX has here: {len(here)} of the kind {here[0].device_kind}. Give "
            "--devices all, or a smaller number."
        )
    there: dict[int, list[str]] = {process: [] for process in range(processes.size())}
    for device in jax.devices():
        there[device.process_index].append(f"{device.platform}:{device.id}")
    processes.alike({"number of devices (--devices)": devices or len(here)})
    return [name for names in there.values() for name in names[: devices or None]]


@contextmanager
def alone() -> Iterator[None]:
    """A block whose models are on one device, whatever is shared around it: what judges sounds, for example."""
    with _set(None):
        yield


def count() -> int:
    """How many devices share a batch: 1 where nothing is shared."""
    sharing = keras.distribution.distribution()
    return sharing.device_mesh.devices.size if sharing else 1


def by_row(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`function` of arrays that begin with the batch, where each device computes the rows that it holds.

    For what XLA does not divide by itself, Fourier transforms above all: it would bring all rows to every device and
    have each of them compute all. Inside a step that is compiled; no row may depend on another one, and what comes out
    must begin with the batch, too. Source: https://github.com/jax-ml/jax/issues/15680.
    """

    def divided(x: Tensor) -> Tensor:
        sharing = keras.distribution.distribution()
        if sharing is None:
            return function(x)
        batch = jax.sharding.PartitionSpec(sharing.batch_dim_name)
        return jax.shard_map(function, mesh=sharing.device_mesh.backend_mesh, in_specs=batch, out_specs=batch)(x)

    return divided


def rows(batch_size: int) -> tuple[int, int]:
    """The first of the clips of a batch of so many that this process reads, and the first after them."""
    share = batch_size // processes.size()
    return processes.number() * share, (processes.number() + 1) * share


def check_batch(batch_size: int) -> None:
    """Raises UserError where a batch of so many clips cannot be shared out evenly."""
    devices, of = count(), processes.size()
    if batch_size % devices:
        fitting = [each for each in range(1, devices // of) if batch_size % (each * of) == 0]
        way = f"Give --devices {fitting[-1]}" if fitting else "Start fewer processes"
        raise UserError(
            f"a batch of {batch_size} clips cannot be shared out evenly among {devices} devices. {way}, or another "
            "--batch-size for a new run."
        )
