"""The first import of Keras and of what it computes with, and all settings of theirs that the program depends on.

Whatever imports `keras` also imports this module, directly or through another: tests/test_structure.py sees to it.
"""

import os
import sys

from wavegan.base.caches import caches_ready
from wavegan.base.errors import UserError

# Memory of a GPU is taken as it is needed, and the rest left to others, unless the environment says otherwise.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
if not any(os.environ.get(f"XLA_{name}MEM_FRACTION") for name in ("CLIENT_", "PYTHON_CLIENT_")):
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# keras.json can ask for layers that are Flax modules. Without Flax, Keras then cannot be imported, under any backend.
os.environ["KERAS_NNX_ENABLED"] = "false"


def _explained(problem: Exception) -> Exception:
    """What to raise instead of what the imports below raised."""
    if isinstance(problem, ModuleNotFoundError) and problem.name == "keras":
        return problem
    read = "keras.src.backend.config" in sys.modules
    if not (read or isinstance(problem, ImportError)):
        file = os.path.join(os.environ.get("KERAS_HOME") or "~/.keras", "keras.json")
        reason = getattr(problem, "strerror", None) or str(problem).rstrip(".")
        return UserError(f"Keras cannot read {file} ({reason}). Mend that file, or remove it.")
    if not isinstance(problem, ImportError | ValueError):
        return problem
    wanted = os.environ.get("KERAS_BACKEND", "the one of ~/.keras/keras.json, or TensorFlow")
    other = "KERAS_BACKEND" in os.environ and wanted not in ("tensorflow", "jax")
    reason = "" if other else f" ({problem})"  # what another one would need helps nobody
    return UserError(
        f"KERAS_BACKEND must be tensorflow or jax, and that must be installed (JAX: pip install -e '.[jax]'). "
        f"Received: {wanted}{reason}."
    )


try:
    with caches_ready():  # Keras imports Matplotlib, where that is installed
        import keras

    BACKEND = keras.backend.backend()
    if BACKEND == "tensorflow":
        import tensorflow  # noqa: F401
    elif BACKEND == "jax":
        import jax  # noqa: F401
    else:
        raise ValueError(f"{BACKEND} has no gradients here")
except (ImportError, ValueError, TypeError, AttributeError, OSError) as problem:
    raise _explained(problem) from problem

# ~/.keras/keras.json can say otherwise: layers would take the time for channels, or compute with other numbers.
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_dtype_policy("float32")
