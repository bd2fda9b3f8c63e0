"""WaveGAN as a `keras.Model`: what one step does, and everything a step changes.

Source: Donahue, McAuley, Puckette, arXiv 1802.04208 (the networks) and Gulrajani et al., arXiv 1704.00028, algorithm 1
(the step: some critic updates, then one of the generator).
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from wavegan.backend import autodiff
from wavegan.backend.autodiff import Tensor
from wavegan.models.gan import losses
from wavegan.models.gan.facts import global_norm, rms, silent_share, spread
from wavegan.models.gan.sampler import GeneratorSampler
from wavegan.models.gan.transfer import STEPS_BEFORE, started_from

SILENT = 0.1  # of the recordings' RMS: a clip below it counts as silent


@keras.saving.register_keras_serializable("wavegan")
class WaveGAN(keras.Model):
    """A generator and a critic that train each other with the Wasserstein loss and gradient penalty.

    One step is `critic_updates` updates of the critic, each on a fresh batch of recordings, then one of the generator.

    Args:
        generator: latents [batch, latent_size] → audio [batch, time, channels].
        critic: audio [batch, time, channels] → scores [batch, 1].
        critic_updates: critic updates in a step, 1 or more.
        penalty_weight: weight of the gradient penalty in the critic's loss.
        ema: momentum of an exponential moving average of the generator's weights, 0 for none. Its early values are
            smaller, so that the average keeps up: min(ema, (1 + step) / (10 + step)), where the steps of the model that
            the weights come from count, too (`start_from`).
        seed: where latents and interpolation weights start.

    Call argument: `latents` [batch, latent_size]; returns the audio of the averaged generator, which is the generator
    itself without an average.

    Example:

        gan = WaveGAN(build_generator(), build_critic())
        gan.compile(keras.optimizers.Adam(1e-4, 0.5, 0.9), keras.optimizers.Adam(1e-4, 0.5, 0.9))
        gan.fit(batches, steps_per_epoch=1000, epochs=200)

    Each element of `batches` is one step: {"audio": [batch, critic_updates, time, channels]}.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        critic_updates: int = 5,
        penalty_weight: float = 10.0,
        ema: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.critic = critic
        self.critic_updates = critic_updates
        self.penalty_weight = penalty_weight
        self.ema = ema
        self.averaged_generator = _copy(generator) if ema else generator
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.steps_before = keras.Variable(0, dtype="int32", trainable=False, name="steps")  # of `start_from`
        self.built = True

    def call(self, latents: Tensor) -> Tensor:
        """The audio of the averaged generator."""
        return self.averaged_generator(latents)

    def compile(
        self,
        critic_optimizer: keras.Optimizer,
        generator_optimizer: keras.Optimizer,
        jit_compile: bool = autodiff.JIT_COMPILE,
        **kwargs: Any,
    ) -> None:
        """Take both optimizers and make their state, so that a checkpoint can be restored before the first step."""
        super().compile(optimizer=generator_optimizer, jit_compile=jit_compile, **kwargs)
        self.critic_optimizer = critic_optimizer
        self.critic_optimizer.build(self.critic.trainable_variables)
        self.optimizer.build(self.generator.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """As Keras asks for it: the networks and the arguments."""
        config = {name: getattr(self, name) for name in ("critic_updates", "penalty_weight", "ema", "seed")}
        networks = {"generator": self.generator, "critic": self.critic}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(network) for name, network in networks.items()},
            **config,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WaveGAN":
        """What `get_config` describes."""
        networks = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("generator", "critic")}
        return cls(**networks, **config)

    def get_compile_config(self) -> dict[str, Any]:
        """As Keras asks for it: both optimizers."""
        optimizers = {"critic_optimizer": self.critic_optimizer, "generator_optimizer": self.optimizer}
        return {name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in optimizers.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` describes."""
        self.compile(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    @property
    def non_trainable_variables(self) -> list:
        """With the critic's optimizer: Keras' JAX trainer carries only the variables of one optimizer by itself."""
        slots = self.critic_optimizer.variables if self.compiled else []
        return super().non_trainable_variables + slots

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """As Keras calls it; a file of an older version has no `steps_before`, which is 0 then."""
        if len(store.keys()):
            super().load_own_variables(store)

    def train_step(self, *arguments: Any) -> Any:
        """`adversarial_step`, in the form that the backend's trainer calls."""
        return autodiff.carried(self, self.adversarial_step, *arguments)

    def adversarial_step(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step on `data`, {"audio": [batch, critic_updates, time, channels]}. Returns {name: scalar}.

        The size of the batch may differ from step to step, and be unknown while a backend traces the step. Then
        "audio/spread" is there for a single clip, too: 0.
        """
        real = keras.utils.unpack_x_y_sample_weight(data)[0]["audio"]  # from a generator it comes in a tuple
        self._check_shape(real)
        per_update = [self.critic_step(real[:, update]) for update in range(self.critic_updates)]
        facts = {name: sum(each[name] for each in per_update) / self.critic_updates for name in per_update[0]}
        loudness = rms(real)
        facts |= self.generator_step(ops.shape(real)[0], SILENT * loudness)
        return {**facts, "audio/rms_real": loudness, "audio/silent_real": silent_share(real, SILENT * loudness)}

    def _check_shape(self, real: Tensor) -> None:
        shape: tuple[int | None, ...] | None
        try:
            shape = tuple(real.shape)
        except ValueError:  # TensorFlow's answer where not even the number of axes is known
            shape = None
        expected = (self.critic_updates, *self.critic.input_shape[1:])
        if shape is None or shape[1:] != expected:
            raise ValueError(
                f"Expected data['audio'] of shape [batch, critic_updates={self.critic_updates}, time, channels], for "
                f"this critic [batch, {', '.join(map(str, expected))}], where only the batch may be unknown. Received: "
                f"{shape}."
            )

    def critic_step(self, real: Tensor) -> dict[str, Tensor]:
        """One update of the critic on `real` [batch, time, channels]. Returns {name: scalar}."""
        count = ops.shape(real)[0]
        fake = self.generator(self.sample_latents(count), training=False)  # outside the tape: nothing flows back to it
        weights = keras.random.uniform((count, 1, 1), seed=self.seed_generator)
        between = losses.interpolate(real, fake, weights)

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            scores = self.critic(ops.concatenate([real, fake]), training=True)  # one batch: one pass, one set of shifts
            distance = losses.wasserstein_distance(scores[:count], scores[count:])
            gradients = autodiff.input_gradient(lambda clips: self.critic(clips, training=True), between)
            penalty = losses.gradient_penalty(gradients)
            total = self.penalty_weight * penalty - distance
            facts = {"loss": total, "wasserstein_distance": distance, "gradient_penalty": penalty}
            return total, {f"critic/{name}": value for name, value in facts.items()}

        _, facts, gradients = autodiff.value_and_gradients(loss, self.critic.trainable_variables, self.critic.variables)
        self.critic_optimizer.apply(gradients, self.critic.trainable_variables)
        return facts | {"critic/gradient_norm": global_norm(gradients)}

    def generator_step(self, count: int | Tensor, silence: float | Tensor = 0.0) -> dict[str, Tensor]:
        """One update of the generator on `count` new latents. Returns {name: scalar}: of one clip no spread.

        Clips of an RMS below `silence` count as silent.
        """
        latents = self.sample_latents(count)

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            fake = self.generator(latents, training=True)
            total = losses.generator_loss(self.critic(fake, training=True))
            facts = {
                "generator/loss": total,
                "audio/rms_generated": rms(fake),
                "audio/silent_generated": silent_share(fake, silence),
            }
            alone = isinstance(count, int) and count == 1  # and not a tensor, whose value is not known yet
            return total, facts if alone else facts | {"audio/spread": spread(fake)}

        _, facts, gradients = autodiff.value_and_gradients(
            loss, self.generator.trainable_variables, self.generator.variables + self.critic.variables
        )
        self.optimizer.apply(gradients, self.generator.trainable_variables)
        if self.ema:
            self._update_average()
        return facts | {"generator/gradient_norm": global_norm(gradients)}

    def _update_average(self) -> None:
        step = ops.cast(self.steps_before + self.optimizer.iterations, "float32")
        share = 1.0 - ops.minimum(self.ema, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.averaged_generator.weights, self.generator.weights, strict=True):
            average.assign(average + share * (weight - average))

    def sample_latents(self, count: int | Tensor) -> Tensor:
        """`count` latents, uniform in [-1, 1]: [count, latent_size]."""
        return keras.random.uniform((count, self.generator.input_shape[-1]), -1.0, 1.0, seed=self.seed_generator)

    @property
    def step(self) -> int:
        """Generator updates so far."""
        return int(self.optimizer.iterations)

    def state(self) -> dict[str, np.ndarray]:
        """All that steps change or depend on, as {name: array}: networks, optimizers, seeds, the steps before."""
        return {name: ops.convert_to_numpy(variable) for name, variable in self._named_variables().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `state` gave. Raises ValueError when names or shapes are not this model's."""
        arrays = {STEPS_BEFORE: np.array(0, "int32"), **arrays}  # older states know of none
        variables = self._named_variables()
        mine = {name: tuple(variable.shape) for name, variable in variables.items()}
        theirs = {name: array.shape for name, array in arrays.items()}
        if mine != theirs:
            first = sorted(set(mine.items()) ^ set(theirs.items()))[0][0]
            raise ValueError(f"{first}: expected shape {mine.get(first)}. Received: {theirs.get(first)}.")
        for name, variable in variables.items():
            variable.assign(arrays[name])

    def start_from(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over the networks of another model's state; its optimizers and seeds stay its own.

        The other one may have no averaged generator: then it starts as the generator, or the other way round. The
        average remembers as long as if the other model itself went on.
        """
        self.restore(started_from(arrays, self.state(), averaged=bool(self.ema)))

    def sampler(self) -> GeneratorSampler:
        """One that makes the sounds of the averaged generator as it is whenever it is called."""
        return GeneratorSampler(self.averaged_generator)

    def sizes(self) -> dict[str, int]:
        """{network: how many parameters it has}."""
        return {network.name: network.count_params() for network in (self.generator, self.critic)}

    def _named_variables(self) -> dict[str, keras.Variable]:
        parts = {
            "sampler": self.averaged_generator.weights,
            "critic": self.critic.variables,
            "generator_optimizer": self.optimizer.variables,
            "critic_optimizer": self.critic_optimizer.variables,
            "seed": [self.seed_generator.state],
            "steps_before": [self.steps_before],
        }
        if self.ema:
            parts["generator"] = self.generator.variables
        # Numbered, because Keras counts seed generators over the whole process and so their paths are not stable.
        return {
            f"{part}/{number:03d}/{variable.name}": variable
            for part, variables in parts.items()
            for number, variable in enumerate(variables)
        }


def _copy(generator: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(generator)
    copy.set_weights(generator.get_weights())
    copy.trainable = False
    return copy
