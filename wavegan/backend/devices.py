"""What the backend computes on: devices, their memory, determinism."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from wavegan.backend.start import BACKEND
from wavegan.base.errors import UserError
from wavegan.base.machine import available_cores

if BACKEND == "tensorflow":
    import tensorflow as tf
else:
    import jax


def make_deterministic() -> None:
    """From here on the same seed gives the same bits, also on a GPU. To be called before anything is computed."""
    if BACKEND == "tensorflow":
        tf.config.experimental.enable_op_determinism()
    else:  # XLA reads this when the first device is used
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()


def one_core_an_operation() -> None:
    """From here on TensorFlow computes every operation by one core where there are two, and two operations at once.

    A training step has enough of them that do not wait for each other, above all on its way back. Shared out, each by
    both cores, a step of `tiny` takes 1.2 times as long, one of flow matching 1.1 times. What more cores need was not
    measured; they, GPUs and TF_NUM_INTRAOP_THREADS of the environment are left as they are. To be called before
    anything is computed, else it has no effect. Not for making sounds, whose operations follow one another.
    """
    if BACKEND != "tensorflow" or "TF_NUM_INTRAOP_THREADS" in os.environ or accelerators() or available_cores() != 2:
        return
    with suppress(RuntimeError):  # TensorFlow's threads are there already
        tf.config.threading.set_intra_op_parallelism_threads(1)


def accelerators() -> list[str]:
    """The names of the GPUs (or TPUs) in use, such as "NVIDIA H100"; empty on a CPU.

    Raises UserError where there is nothing to compute on, because JAX was asked for what is not there.
    """
    if BACKEND == "tensorflow":
        gpus = tf.config.get_visible_devices("GPU")  # without taking their memory yet
        details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
        return [detail.get("device_name", "GPU") for detail, _ in zip(details, gpus, strict=False)]
    try:
        found = jax.devices()
    except (AssertionError, RuntimeError) as problem:  # the first for a GPU where there is none
        wanted = os.environ.get("JAX_PLATFORMS") or "whatever is there"
        reason = f" ({str(problem).splitlines()[0]})" if str(problem) else ""
        raise UserError(
            f"JAX has nothing to compute on. Expected a device for JAX_PLATFORMS, {wanted}{reason}. Leave that unset "
            "to take what is there, or set it to cpu."
        ) from None
    return [device.device_kind for device in found if device.platform != "cpu"]


def keep_gpu_from(tensorflow: Any) -> None:
    """TensorFlow also reads records and writes events; beside another backend it must not take the GPU's memory."""
    if BACKEND != "tensorflow":
        tensorflow.config.set_visible_devices([], "GPU")


def peak_memory() -> int | None:
    """The most bytes that this process' first accelerator had in use so far; None on a CPU."""
    if not accelerators():
        return None
    if BACKEND == "tensorflow":
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return jax.local_devices()[0].memory_stats()["peak_bytes_in_use"]


def version() -> str:
    """The backend's name and version, such as "JAX 0.10.2"."""
    return f"TensorFlow {tf.__version__}" if BACKEND == "tensorflow" else f"JAX {jax.__version__}"


def computes_bfloat16() -> bool:
    """Whether the networks compute faster in bfloat16 than in float32 here.

    On a CPU that needs instructions for it, which only TensorFlow's kernels use; on a GPU compute capability 8.0, that
    of an A100, or more. All TPUs have it. AMD's processors are twice as fast by AVX-512's instructions, Intel's by
    AMX's alone: where that is missing, or hidden by a virtual machine, float32 is faster (measured, 1.3 times).
    """
    if not accelerators():
        facts = _processor()
        flags = facts.get("flags", "").split()
        fast = "amx_bf16" in flags or ("avx512_bf16" in flags and facts.get("vendor_id") == "AuthenticAMD")
        return BACKEND == "tensorflow" and fast
    if BACKEND == "tensorflow":
        gpu = tf.config.list_physical_devices("GPU")[0]
        return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= (8, 0)
    device = next(each for each in jax.devices() if each.platform != "cpu")
    return device.platform == "tpu" or float(getattr(device, "compute_capability", None) or 0) >= 8


def _processor() -> dict[str, str]:
    """What Linux says of the processor, such as its "vendor_id" and "flags"; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
