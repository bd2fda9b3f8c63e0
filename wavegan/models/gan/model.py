"""WaveGAN as a `keras.Model`: what one step does, and everything a step changes.

Source: Donahue, McAuley, Puckette, arXiv 1802.04208 (the networks) and Gulrajani et al., arXiv 1704.00028, algorithm 1
(the step: some critic updates, then one of the generator).
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from wavegan.backend import autodiff, distribution
from wavegan.backend.autodiff import Tensor
from wavegan.models import state
from wavegan.models.facts import global_norm, rms, silent_share, spread
from wavegan.models.gan import losses
from wavegan.models.gan.critics import on_spectrograms, on_waveforms
from wavegan.models.gan.sampler import GeneratorSampler
from wavegan.models.gan.transfer import started_from
from wavegan.models.updates import STEPS_BEFORE, average, copy_of

SILENT = 0.1  # of the recordings' RMS: a clip below it counts as silent


@keras.saving.register_keras_serializable("wavegan")
class WaveGAN(keras.Model):
    """A generator and its critics that train each other; by default with the Wasserstein loss and gradient penalty.

    One step is `critic_updates` updates of the critics, each on a fresh batch of recordings, then one of the generator.

    Args:
        generator: latents [batch, latent_size], with `classes` beside class weights, → audio [batch, time, channels].
        critic: audio [batch, time, channels], with `classes` a list of that and class weights, → scores [batch, 1].
        critic_updates: critic updates in a step, 1 or more.
        penalty_weight: weight of the gradient penalty in the critic's loss.
        ema: momentum of an exponential moving average of the generator's weights, 0 for none. Its early values are
            smaller, so that the average keeps up: min(ema, (1 + step) / (10 + step)), where the steps of the model that
            the weights come from count, too (`start_from`).
        seed: where latents and interpolation weights start.
        loss: a name of `losses.LOSSES`.
        penalty_every: steps from one with the penalty to the next, whose penalty counts as many times (Karras et al.,
            arXiv 1912.04958, section 3.1).
        spectral_critic: spectrograms [batch, frames, bands] → scores, as `critic`; None for none.
        spectral_window: samples, what `spectrogram.log_magnitudes` takes for it.
        spectral_penalty_weight: as `penalty_weight`, by the spectrogram.
        rms: of the recordings, by which critics get the audio divided where the loss asks for it.
        classes: how many there are; 0 for an unconditional model.
        learning_rate_end: what is left of both learning rates at the end of the run, towards which they fall evenly.

    Call argument: `latents` [batch, latent_size], with `classes` beside class weights; returns the audio of the
    averaged generator, which is the generator itself without an average.

    Example:

        gan = WaveGAN(build_generator(), build_critic())
        gan.compile(keras.optimizers.Adam(1e-4, 0.5, 0.9), keras.optimizers.Adam(1e-4, 0.5, 0.9))
        gan.fit(batches, steps_per_epoch=1000, epochs=200)

    Each element of `batches` is one step: {"audio": [batch, critic_updates, time, channels]}, with `classes` also
    "label" int [batch, critic_updates], and for learning rates to fall "progress" float [batch], the share of the run
    that is done, the same for all.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        critic_updates: int = 5,
        penalty_weight: float = 10.0,
        ema: float = 0.0,
        seed: int | None = None,
        loss: str = "wgan-gp",
        penalty_every: int = 1,
        spectral_critic: keras.Model | None = None,
        spectral_window: int = 256,
        spectral_penalty_weight: float = 10.0,
        rms: float = 1.0,
        classes: int = 0,
        learning_rate_end: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.critic = critic
        self.critic_updates = critic_updates
        self.penalty_weight = penalty_weight
        self.ema = ema
        self.averaged_generator = copy_of(generator) if ema else generator
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.steps_before = keras.Variable(0, dtype="int32", trainable=False, name="steps")  # of `start_from`
        self.loss_name, self.losses_of = loss, losses.LOSSES[loss]
        self.penalty_every = penalty_every
        self.spectral_critic, self.spectral_window = spectral_critic, spectral_window
        self.spectral_penalty_weight = spectral_penalty_weight
        self.rms, self.classes, self.learning_rate_end = rms, classes, learning_rate_end
        self.critics = [on_waveforms(critic, rms if self.losses_of.normalised else 1.0, penalty_weight)]
        if spectral_critic is not None:
            self.critics.append(on_spectrograms(spectral_critic, rms, spectral_window, spectral_penalty_weight))
        # Of the last step with one, so that a number is there at every step.
        self.last_penalties = self.add_weight(shape=(len(self.critics),), trainable=False, name="last_penalties")
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
        self.critic_optimizer.build(self._critic_variables)
        self.optimizer.build(self.generator.trainable_variables)
        self.learning_rates = [float(each.learning_rate) for each in (critic_optimizer, generator_optimizer)]

    @property
    def _critic_variables(self) -> list[keras.Variable]:
        return [variable for critic in self.critics for variable in critic.network.trainable_variables]

    @property
    def _critic_state(self) -> list[keras.Variable]:
        return [variable for critic in self.critics for variable in critic.network.variables]

    def get_config(self) -> dict[str, Any]:
        """As Keras asks for it: the networks and the arguments."""
        names = (
            "critic_updates", "penalty_weight", "ema", "seed", "penalty_every", "spectral_window",
            "spectral_penalty_weight", "rms", "classes", "learning_rate_end",
        )  # fmt: skip
        networks = {"generator": self.generator, "critic": self.critic, "spectral_critic": self.spectral_critic}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(network) for name, network in networks.items()},
            **{name: getattr(self, name) for name in names},
            "loss": self.loss_name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WaveGAN":
        """What `get_config` describes."""
        names = ("generator", "critic", "spectral_critic")
        networks = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in names}
        return cls(**networks, **config)

    def get_compile_config(self) -> dict[str, Any]:
        """As Keras asks for it: both optimizers, where rates fall with those that they fall from."""
        optimizers = {"critic_optimizer": self.critic_optimizer, "generator_optimizer": self.optimizer}
        found = {name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in optimizers.items()}
        if self.learning_rate_end != 1.0:
            for each, rate in zip(found.values(), self.learning_rates, strict=True):
                each["config"]["learning_rate"] = rate
        return found

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
        """One step on `data`, an element of the batches that the class describes. Returns {name: scalar}.

        The size of the batch may differ from step to step, and be unknown while a backend traces the step. Then
        "audio/spread" is there for a single clip, too: 0.
        """
        data = keras.utils.unpack_x_y_sample_weight(data)[0]  # from a generator it comes in a tuple
        real = data["audio"]
        self._check_shape(real)
        if self.learning_rate_end != 1.0 and "progress" in data:
            self._lower_rates(data["progress"][0])
        classes = None
        if self.classes:
            classes = ops.one_hot(data["label"], self.classes, dtype="float32")  # [batch, critic_updates, classes]
        of_update = [None if classes is None else classes[:, update] for update in range(self.critic_updates)]
        per_update = [self.critic_step(real[:, update], of_update[update]) for update in range(self.critic_updates)]
        facts = {name: sum(each[name] for each in per_update) / self.critic_updates for name in per_update[0]}
        loudness = rms(real)
        facts |= self.generator_step(ops.shape(real)[0], SILENT * loudness, real[:, -1], of_update[-1])
        return {**facts, "audio/rms_real": loudness, "audio/silent_real": silent_share(real, SILENT * loudness)}

    def _check_shape(self, real: Tensor) -> None:
        shape: tuple[int | None, ...] | None
        try:
            shape = tuple(real.shape)
        except ValueError:  # TensorFlow's answer where not even the number of axes is known
            shape = None
        expected = (self.critic_updates, *self.generator.output_shape[1:])
        if shape is None or shape[1:] != expected:
            raise ValueError(
                f"Expected data['audio'] of shape [batch, critic_updates={self.critic_updates}, time, channels], for "
                f"this critic [batch, {', '.join(map(str, expected))}], where only the batch may be unknown. Received: "
                f"{shape}."
            )

    def _lower_rates(self, progress: Tensor) -> None:
        left = 1.0 - (1.0 - self.learning_rate_end) * ops.cast(progress, "float32")
        for optimizer, rate in zip((self.critic_optimizer, self.optimizer), self.learning_rates, strict=True):
            optimizer.learning_rate = rate * left

    def critic_step(self, real: Tensor, classes: Tensor | None = None) -> dict[str, Tensor]:
        """One update of the critics on `real` [batch, time, channels] of `classes` [batch, classes].

        Returns {name: scalar}.
        """
        count = ops.shape(real)[0]
        fake = self.generator(self._given(count, classes), training=False)  # outside the tape: nothing flows back to it
        weights = None
        if self.losses_of.penalised == "between":
            weights = keras.random.uniform((count, 1, 1), seed=self.seed_generator)
        views = [(critic.view(real), critic.view(fake)) for critic in self.critics]
        twice = None if classes is None else ops.concatenate([classes, classes])
        lazily = self.penalty_every > 1 and self.losses_of.penalised

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            total, facts = 0.0, {}
            for critic, (of_real, of_fake) in zip(self.critics, views, strict=True):
                scores = critic(ops.concatenate([of_real, of_fake]), twice)  # one batch: one pass, one set of shifts
                part = self.losses_of.critic(scores[:count], scores[count:])
                distance = losses.wasserstein_distance(scores[:count], scores[count:])
                name = "wasserstein_distance" if self.loss_name == "wgan-gp" else "score_difference"
                facts[f"{critic.network.name}/{name}"] = distance
                if self.losses_of.penalised and not lazily:
                    penalty = critic.penalty(self.losses_of, of_real, of_fake, weights, classes)
                    facts[f"{critic.network.name}/gradient_penalty"] = penalty
                    part = critic.penalty_weight * penalty + part
                total = total + part
            return total, {"critic/loss": total, **facts}

        variables = self._critic_variables
        _, facts, gradients = autodiff.value_and_gradients(loss, variables, self._critic_state)
        if lazily:
            more, penalties = self._lazy_penalty(views, weights, classes)
            gradients = [gradient + other for gradient, other in zip(gradients, more, strict=True)]
            facts |= penalties
        self.critic_optimizer.apply(gradients, variables)
        return facts | {"critic/gradient_norm": global_norm(gradients)}

    def _lazy_penalty(
        self, views: list[tuple[Tensor, Tensor]], weights: Tensor | None, classes: Tensor | None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Gradients of the penalties in every `penalty_every`th update, zeros in the others; the last penalties."""

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            penalties = [
                critic.penalty(self.losses_of, *of_clips, weights, classes)
                for critic, of_clips in zip(self.critics, views, strict=True)
            ]
            self.last_penalties.assign(ops.stack(penalties))
            weighted = [critic.penalty_weight * each for critic, each in zip(self.critics, penalties, strict=True)]
            return self.penalty_every * sum(weighted), {}

        due = ops.equal(self.critic_optimizer.iterations % self.penalty_every, 0)
        changed = [*self._critic_state, self.last_penalties]
        _, gradients = autodiff.value_and_gradients_where(due, loss, self._critic_variables, changed)
        last = ops.unstack(ops.convert_to_tensor(self.last_penalties), len(self.critics))
        names = [f"{critic.network.name}/gradient_penalty" for critic in self.critics]
        return gradients, dict(zip(names, last, strict=True))

    def generator_step(
        self,
        count: int | Tensor,
        silence: float | Tensor = 0.0,
        real: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """One update of the generator on `count` new latents. Returns {name: scalar}: of one clip no spread.

        Args:
            count: how many.
            silence: clips of an RMS below it count as silent.
            real: recordings [count, time, channels], which the relativistic loss compares with.
            classes: weights [count, classes] of what is generated, for a conditional model.
        """
        given = self._given(count, classes)
        views = [critic.view(real) if self.loss_name == "relativistic" else None for critic in self.critics]

        def loss() -> tuple[Tensor, dict[str, Tensor]]:
            fake = self.generator(given, training=True)
            total = 0.0
            for critic, of_real in zip(self.critics, views, strict=True):
                beside = None if of_real is None else critic(of_real, classes)
                total = total + self.losses_of.generator(beside, critic(critic.view(fake), classes))
            facts = {
                "generator/loss": total,
                "audio/rms_generated": rms(fake),
                "audio/silent_generated": silent_share(fake, silence),
            }
            alone = isinstance(count, int) and count == 1  # and not a tensor, whose value is not known yet
            return total, facts if alone else facts | {"audio/spread": spread(fake)}

        _, facts, gradients = autodiff.value_and_gradients(
            loss, self.generator.trainable_variables, self.generator.variables + self._critic_state
        )
        self.optimizer.apply(gradients, self.generator.trainable_variables)
        if self.ema:
            steps = self.steps_before + self.optimizer.iterations
            average(self.averaged_generator.weights, self.generator.weights, self.ema, steps)
        return facts | {"generator/gradient_norm": global_norm(gradients)}

    def sample_latents(self, count: int | Tensor) -> Tensor:
        """`count` latents, uniform in [-1, 1]: [count, latent_size]."""
        width = self.generator.input_shape[-1] - self.classes
        return keras.random.uniform((count, width), -1.0, 1.0, seed=self.seed_generator)

    def _given(self, count: int | Tensor, classes: Tensor | None) -> Tensor:
        """What the generator makes `count` new clips of: latents, beside class weights where there are any."""
        latents = self.sample_latents(count)
        return latents if classes is None else ops.concatenate([latents, classes], axis=1)

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
        state.restore(self._named_variables(), arrays)

    def adapt(self, read: Callable[[], np.ndarray]) -> None:
        """As `models.family.Model.adapt`: there is nothing that it must know."""

    def start_from(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over the networks of another model's state; its optimizers and seeds stay its own.

        The other one may have no averaged generator: then it starts as the generator, or the other way round. The
        average remembers as long as if the other model itself went on.
        """
        latent_size = self.generator.input_shape[-1] - self.classes
        self.restore(started_from(arrays, self.state(), bool(self.ema), latent_size))

    def sampler(self) -> GeneratorSampler:
        """One that makes the sounds of the averaged generator as it is whenever it is called, in float32."""
        if self.averaged_generator is self.generator:
            with distribution.alone():  # of several processes only the first one makes sounds
                return GeneratorSampler(copy_of(self.generator), self.classes, follows=self.generator)
        return GeneratorSampler(self.averaged_generator, self.classes)

    def sizes(self) -> dict[str, int]:
        """{network: how many parameters it has}."""
        networks = [self.generator, *(critic.network for critic in self.critics)]
        return {network.name: network.count_params() for network in networks}

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
        if self.spectral_critic is not None:
            parts["spectral_critic"] = self.spectral_critic.variables
        if self.penalty_every > 1:
            parts["last_penalties"] = [self.last_penalties]
        return state.named(parts)
