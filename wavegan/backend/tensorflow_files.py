"""TensorFlow's own formats: a generator as a SavedModel and for LiteRT, from its operations, whatever trained it."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


class _Generator(tf.Module):
    """A generator of operations as `models.portable.Operation` has them, in TensorFlow alone."""

    def __init__(self, operations: Sequence[Any], latent_size: int, classes: int) -> None:
        super().__init__(name="generator")
        self.steps = [(each.kind, each.stride, [tf.constant(array) for array in each.arrays]) for each in operations]
        inputs = {"latents": tf.TensorSpec([None, latent_size], tf.float32, "latents")}
        if classes:
            inputs["classes"] = tf.TensorSpec([None, classes], tf.float32, "classes")
        self.made = tf.function(self._audio, input_signature=[*inputs.values()])

    def _audio(self, latents: Any, classes: Any = None) -> dict[str, Any]:
        given = x = latents if classes is None else tf.concat([latents, classes], axis=1)
        for place, (kind, stride, weights) in enumerate(self.steps):
            if kind == "dense":  # [n, time · channels], the channels being those that the next kernel takes
                x = tf.matmul(x, weights[0]) + weights[1]
                channels = next(arrays[0].shape[1] for kind, _, arrays in self.steps[place:] if kind == "upsample")
                x = tf.reshape(x, [-1, weights[1].shape[0] // channels, channels])
            elif kind == "modulation":
                both = tf.expand_dims(tf.matmul(given, weights[0]) + weights[1], 1)
                gain, bias = tf.split(both, 2, axis=-1)
                x = x * (1 + gain) + bias
            elif kind == "gain":
                x = x * tf.expand_dims(tf.exp(tf.matmul(given, weights[0]) + weights[1]), 1)
            elif kind == "upsample":
                kernel = tf.transpose(weights[0], [0, 2, 1])
                shape = [tf.shape(x)[0], x.shape[1] * stride, kernel.shape[1]]
                x = tf.nn.conv1d_transpose(x, kernel, shape, stride, "SAME") + weights[1]
            else:
                x = {"relu": tf.nn.relu, "tanh": tf.tanh}[kind](x)
        return {"audio": x}


def save_model(operations: Sequence[Any], latent_size: int, classes: int, folder: Path) -> None:
    """Writes a SavedModel into `folder`; its signature "serving_default" takes latents, with classes also weights."""
    generator = _Generator(operations, latent_size, classes)
    tf.saved_model.save(generator, str(folder), signatures={"serving_default": generator.made})


def run_model(folder: Path, given: dict[str, np.ndarray]) -> np.ndarray:
    """The audio [n, time, channels] that the SavedModel in `folder` makes."""
    loaded = tf.saved_model.load(str(folder))
    return loaded.signatures["serving_default"](**{k: tf.constant(v) for k, v in given.items()})["audio"].numpy()


def lite_model(operations: Sequence[Any], latent_size: int, classes: int) -> bytes:
    """A file for LiteRT, once TensorFlow Lite, of its own operations alone, with the same signature."""
    generator = _Generator(operations, latent_size, classes)
    function = generator.made.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function], generator).convert()


def run_lite_model(content: bytes, given: dict[str, np.ndarray]) -> np.ndarray:
    """The audio [n, time, channels] that LiteRT makes by a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to move into a package of its own
        interpreter = tf.lite.Interpreter(model_content=content)
    return interpreter.get_signature_runner("serving_default")(**given)["audio"]
