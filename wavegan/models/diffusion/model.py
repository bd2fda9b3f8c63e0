"""Flow matching as a `keras.Model`: what one step does, and everything a step changes."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from wavegan.backend import autodiff, distribution
from wavegan.backend.autodiff import Tensor
from wavegan.models import state
from wavegan.models.diffusion import flow
from wavegan.models.diffusion.sampler import FlowSampler, sampler_weights
from wavegan.models.diffusion.spectrogram import Spectrogram
from wavegan.models.facts import global_norm
from wavegan.models.updates import STEPS_BEFORE, average, copy_of, fitted

QUARTERS = 4  # of the way from recordings to noise, whose losses are told
UNCLASSED = 0.1  # share of the clips whose class the network is not told


class FlowMatching(keras.Model):
    """A network that learns the velocity from recordings to noise, see `flow`.

    One step is one update, on a fresh batch of recordings.

    Args:
        network: what `networks.build_network` builds.
        spectrogram: by which the network sees the recordings.
        rms: of the recordings, by which they are divided.
        classes: how many there are; 0 for an unconditional model. One time in ten the network is not told the class, so
            that it also makes sounds of no class, and can be guided (Ho and Salimans, "Classifier-Free Diffusion
            Guidance", arXiv 2207.12598, section 3.2).
        ema: momentum of the average of its weights, which makes the sounds, see `updates.average`.
        learning_rate_end: what is left of the learning rate at the end of the run, towards which it falls evenly.
        seed: of noise, times and dropped classes.
    """

    def __init__(
        self,
        network: keras.Model,
        spectrogram: Spectrogram,
        rms: float = 1.0,
        classes: int = 0,
        ema: float = 0.9999,
        learning_rate_end: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.network, self.averaged, self.spectrogram = network, copy_of(network), spectrogram
        self.rms, self.classes = rms, classes
        self.ema, self.learning_rate_end = ema, learning_rate_end
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.steps_before = keras.Variable(0, dtype="int32", trainable=False, name="steps")  # of `start_from`
        # Of the last step with clips of each quarter, so that a number is there at every step.
        self.last_losses = self.add_weight(shape=(QUARTERS,), initializer="zeros", trainable=False, name="last_losses")
        self.built = True

    def compile(self, optimizer: keras.Optimizer, jit_compile: bool = autodiff.JIT_COMPILE, **kwargs: Any) -> None:
        """Take the optimizer and make its state, so that a checkpoint can be restored before the first step."""
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.optimizer.build(self.network.trainable_variables)
        self.learning_rate = float(optimizer.learning_rate)

    def train_step(self, *arguments: Any) -> Any:
        """`matching_step`, in the form that the backend's trainer calls."""
        return autodiff.carried(self, self.matching_step, *arguments)

    def matching_step(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step on `data`: {"audio": [batch, 1, time, channels], "label": [batch, 1], "progress": [batch]}.

        Returns {name: scalar}.
        """
        data = keras.utils.unpack_x_y_sample_weight(data)[0]  # from a generator it comes in a tuple
        clips = distribution.by_row(self.spectrogram)(data["audio"][:, 0] / self.rms)
        if self.learning_rate_end != 1.0 and "progress" in data:
            progress = ops.cast(data["progress"][0], "float32")
            self.optimizer.learning_rate = self.learning_rate * (1.0 - (1.0 - self.learning_rate_end) * progress)
        count = ops.shape(clips)[0]
        noise = keras.random.normal(ops.shape(clips), seed=self.seed_generator)
        times = flow.stratified_times(count, keras.random.uniform((count,), seed=self.seed_generator))
        classes = self._class_weights(data["label"][:, 0], count) if self.classes else ()
        return self.update(clips, noise, times, *classes)

    def _class_weights(self, labels: Tensor, count: int | Tensor) -> tuple[Tensor]:
        """Class weights [count, classes] for the network: of some clips zeros, which are no class."""
        weights = ops.one_hot(labels, self.classes, dtype="float32")
        kept = keras.random.uniform((count, 1), seed=self.seed_generator) >= UNCLASSED
        return (weights * ops.cast(kept, "float32"),)

    def update(self, clips: Tensor, noise: Tensor, times: Tensor, *classes: Tensor) -> dict[str, Tensor]:
        """One update on the lines from `clips` to `noise`, [batch, frames, bands], at `times` [batch].

        Returns {name: scalar}.
        """
        points = flow.noised(clips, noise, times)
        expected = flow.target(clips, noise, times)

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            found = flow.output(self.network, points, times, *classes)
            of_clips = ops.mean(ops.square(found - expected), axis=(1, 2))
            return ops.mean(of_clips), {"of_clips": of_clips}

        variables = self.network.trainable_variables
        total, facts, gradients = autodiff.value_and_gradients(loss, variables, self.network.variables)
        self.optimizer.apply(gradients, variables)
        quarters = self._by_quarter(facts["of_clips"], times)
        averages = [*self.averaged.weights, self.spectrogram.near_loss]
        values = [*self.network.weights, quarters["loss/quarter_1"]]
        average(averages, values, self.ema, self.steps_before + self.optimizer.iterations)
        return {"loss/all": total, **quarters, "network/gradient_norm": global_norm(gradients)}

    def _by_quarter(self, losses: Tensor, times: Tensor) -> dict[str, Tensor]:
        """The mean of `losses` [batch] in each quarter of the times, the last one where a batch has none of it."""
        quarter = ops.one_hot(ops.cast(QUARTERS * times, "int32"), QUARTERS, dtype="float32")
        counts = ops.sum(quarter, axis=0)
        means = ops.sum(quarter * ops.expand_dims(losses, 1), axis=0) / ops.maximum(counts, 1.0)
        last = ops.where(counts > 0, means, ops.convert_to_tensor(self.last_losses))
        self.last_losses.assign(last)
        return {f"loss/quarter_{number}": value for number, value in enumerate(ops.unstack(last, QUARTERS), 1)}

    @property
    def step(self) -> int:
        """Updates so far."""
        return int(self.optimizer.iterations)

    def state(self) -> dict[str, np.ndarray]:
        """All that steps change or depend on, as {name: array}."""
        return {name: ops.convert_to_numpy(variable) for name, variable in self._named_variables().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` gave. Raises ValueError when names or shapes are not this model's."""
        state.restore(self._named_variables(), arrays)

    def adapt(self, read: Callable[[], np.ndarray]) -> None:
        """As `models.family.Model.adapt`: how the network sees recordings."""
        self.spectrogram.adapt(read() / np.float32(self.rms))

    def start_from(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over another model's networks, and how they see recordings; its optimizer and seeds stay its own.

        Each of other classes starts as the mean of those that the other one knows. The average remembers as long as if
        the other model itself went on.
        """
        own = self.state()
        taken = {
            name: fitted(array, arrays[name], 0)
            for name, array in own.items()
            if name.startswith(("network/", "sampler/"))
        }
        (made,) = (array for name, array in arrays.items() if name.startswith("optimizer/000/"))
        self.restore(own | taken | {STEPS_BEFORE: np.array(arrays[STEPS_BEFORE] + made, "int32")})

    def sampler(self) -> FlowSampler:
        """One that makes the sounds of the averaged network as it is whenever it is called."""
        return FlowSampler(self.averaged, self.spectrogram, self.rms, self.classes)

    def sizes(self) -> dict[str, int]:
        """{network: how many parameters it has}."""
        return {"network": self.network.count_params()}

    def _named_variables(self) -> dict[str, keras.Variable]:
        return state.named(
            {
                "sampler": sampler_weights(self.averaged, self.spectrogram),
                "network": self.network.weights,
                "optimizer": self.optimizer.variables,
                "seed": [self.seed_generator.state],
                "steps_before": [self.steps_before],
                "last_losses": [self.last_losses],
            }
        )
