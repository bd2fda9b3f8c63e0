"""Several processes, of one host or of many, that make one training: how they find each other, agree, and end.

JAX connects them (`jax.distributed`): in a step all wait for each other, and process 0 keeps texts that all can read
and write. It is also the only one that writes to the run. Who is there is known by `watch`.
"""

import itertools
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from inspect import signature
from io import BytesIO
from typing import Any

import numpy as np

from wavegan.backend.start import BACKEND
from wavegan.backend.watch import Watch
from wavegan.base.errors import UserError

if BACKEND == "jax":
    import jax
    from jax._src import distributed  # for the texts
    from jax.experimental import multihost_utils

TOGETHER_S = 300  # in which all have to come
JAX_PATIENCE_S = 300  # after which JAX aborts where one is lost; `Watch` knows it long before
LONGEST_S = 3600  # that others wait for one that evaluates at the end
POLL_S = 0.5  # between two looks whether somebody has ended

_hosts: list[str] = []  # of every process, where there are several
_names = itertools.count()  # of what is told: all tell the same things in the same order


def number() -> int:
    """Of this process, from 0."""
    return distributed.global_state.process_id if _hosts else 0


def size() -> int:
    """How many processes train together."""
    return len(_hosts) or 1


def first() -> bool:
    """Whether this is the process that writes and prints."""
    return number() == 0


@contextmanager
def joined(address: str | None = None, processes: int | None = None, process: int | None = None) -> Iterator[None]:
    """A block in which this process is one of several, where it is.

    Args:
        address: HOST:PORT of process 0, which listens there.
        processes: how many there are.
        process: which one this is.

    Those that are None are those of Keras' variables (`KERAS_DISTRIBUTION_JOB_ADDRESSES`, `…_NUM_PROCESSES`,
    `…_PROCESS_ID`), or what JAX finds on a cluster. Where there is nothing of that, this process is alone.

    A process that cannot go on takes the others down with it: each says which one that was, and ends with exit code 1.
    Raises UserError where they do not find each other.
    """
    given = _given(address, processes, process)
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(_not_together(given)))
        _connect(given)
        if size() == 1:
            stack.close()
            yield
            return
        watch.begin(_store(), number(), _hosts, distributed.global_state.coordinator_address)
        try:
            yield
        except UserError as problem:
            watch.say_why(str(problem))
            raise
        except Exception:
            watch.wait()
            sys.excepthook(*sys.exc_info())
            end_at_once(1)
        except SystemExit:
            _leave()
            raise
        _leave()


def _not_together(given: Mapping[str, Any]) -> str:
    return (
        f"the processes of this training do not find each other at {given.get('coordinator_address', 'a cluster')} "
        f"within {TOGETHER_S} s. Start all of them, each with its own --process; process 0 listens there."
    )


def _connect(given: Mapping[str, Any]) -> None:
    with suppress(AttributeError):  # it would wait for SIGTERM, as we do
        jax.config.update("jax_enable_preemption_service", False)
    try:
        times = {
            "initialization_timeout": TOGETHER_S,
            "heartbeat_timeout_seconds": JAX_PATIENCE_S,
            "shutdown_timeout_seconds": LONGEST_S,
        }
        known = signature(jax.distributed.initialize).parameters  # older versions have not all of them
        jax.distributed.initialize(**given, **{name: value for name, value in times.items() if name in known})
    except ValueError:
        if given:
            raise
        return  # no cluster: this process is alone
    except RuntimeError as problem:
        raise UserError(f"{_not_together(given)} JAX says: {str(problem).splitlines()[0]}") from None
    if distributed.global_state.num_processes > 1:
        _hosts.extend([""] * distributed.global_state.num_processes)
        _hosts[:] = gathered(socket.gethostname())


def _given(address: str | None, processes: int | None, process: int | None) -> dict[str, Any]:
    """The arguments of `jax.distributed.initialize`, by flags or by Keras' variables; none where there are neither."""
    given: dict[str, Any] = {"coordinator_address": address, "num_processes": processes, "process_id": process}
    if address is None:
        theirs = zip(given, ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"), strict=True)
        given = {name: os.environ.get(f"KERAS_DISTRIBUTION_{variable}") for name, variable in theirs}
    found = {name: value for name, value in given.items() if value is not None}
    try:
        numbers = {name: int(value) for name, value in found.items() if name != "coordinator_address"}
    except ValueError as problem:
        raise UserError(
            f"KERAS_DISTRIBUTION_NUM_PROCESSES and …_PROCESS_ID must be whole numbers ({problem})."
        ) from None
    return {name: str(value).split(",")[0] for name, value in found.items()} | numbers


def _leave() -> None:
    """Ends what connects the processes, when all have come to their end."""
    jax.distributed.shutdown()
    _hosts.clear()


def end_at_once(code: int) -> None:
    """Ends this process where it is one of several, without waiting for the others as Python would."""
    if _hosts:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _store() -> Any:
    return distributed.global_state.client


def _read(key: str) -> str:
    """A text that somebody writes, when it is there. Raises UserError where somebody has ended instead."""
    while True:
        with suppress(RuntimeError):  # JAX' error for a time that is over
            return _store().blocking_key_value_get(key, int(1000 * POLL_S))
        for ended, reason in _store().key_value_dir_get("ended/"):
            process = int(ended.rpartition("/")[2])
            raise UserError(f"process {process} on {_hosts[process]}: {reason}")


def _called(process: int) -> str:
    return f"process {process} on {_hosts[process]}"


def gathered(text: str) -> list[str]:
    """The `text` of every process. All call this together."""
    key = f"gathered/{next(_names)}"
    _store().key_value_set(f"{key}/{number()}", text)
    return [_read(f"{key}/{process}") for process in range(size())]


def by_first(work: Callable[[], Any]) -> Any:
    """What `work` returns in the first process, in all: JSON's values. All call this together."""
    if size() == 1:
        return work()
    key = f"told/{next(_names)}"
    if first():
        _store().key_value_set(key, json.dumps(work()))
    return json.loads(_read(key))


def arrays_of_first(arrays: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """The `arrays` of the first process, {name: array}, in all. All call this together."""
    if size() == 1:
        return dict(arrays or {})
    content = BytesIO()
    if first():
        np.savez(content, **dict[str, Any](arrays or {}))
    length = by_first(lambda: len(content.getvalue()))
    mine = np.frombuffer(content.getvalue().ljust(length, b"\0"), np.uint8)
    stored = np.load(BytesIO(multihost_utils.broadcast_one_to_all(mine).tobytes()), allow_pickle=False)
    return {name: stored[name] for name in stored.files}


def alike(facts: Mapping[str, object]) -> None:
    """Compares {what: value} of all processes. All call this together.

    Raises UserError, in all, where one of them differs from the first.
    """
    if size() == 1:
        return
    expected, *others = (json.loads(text) for text in gathered(json.dumps({k: str(v) for k, v in facts.items()})))
    for process, received in enumerate(others, 1):
        for name in sorted(expected.keys() | received.keys()):
            if (his := received.get(name, "none")) != (ours := expected.get(name, "none")):
                raise UserError(
                    f"all processes need the same {name}. Expected that of {_called(0)}: {ours}. Received from "
                    f"{_called(process)}: {his}."
                )


class SameStep:
    """Something that any process may ask for, and that comes at the same step in all.

    The facts of a step depend on all processes, so that none has ended step s + 1 before all have begun it. What one
    asks for at the end of step s, all know at the end of step s + 1.
    """

    def __init__(self) -> None:
        self.key = f"steps/{next(_names)}/"

    def __call__(self, step: int, wanted: bool) -> bool:
        """Whether it comes at the end of `step`; `wanted`: whether this process asks for it."""
        if size() == 1:
            return wanted
        asked = [int(value) for _, value in _store().key_value_dir_get(self.key)]
        if wanted and not asked:
            _store().key_value_set(f"{self.key}{number()}", str(step + 1), allow_overwrite=True)
        return bool(asked) and step >= min(asked)
