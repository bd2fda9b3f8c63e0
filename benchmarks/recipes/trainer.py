"""One step of training by a recipe."""

import keras
import tensorflow as tf

from benchmarks.recipes.networks import augmented, build_critics, build_generator
from wavegan.models.gan.losses import LOSSES

LATENT_SIZE = 100
LOSS = {"ns": "non-saturating", "pairs": "relativistic", "wgan-gp": "wgan-gp"}  # of a recipe, as the project calls it


class Trainer:
    """The networks of a recipe, and one step of training.

    Args:
        info: `DatasetInfo` of the data.
        recipe: a `Recipe`.
        unit: RMS of the recordings.
        seed: of everything random.
    """

    def __init__(self, info, recipe, unit, seed):
        keras.utils.set_random_seed(seed)
        self.loss = LOSSES[LOSS[recipe.loss]]
        self.recipe, self.kinds = recipe, len(info.classes) + 1
        size = LATENT_SIZE + (self.kinds if recipe.conditional else 0)
        self.generator, self.averaged = (build_generator(info, recipe, size) for _ in range(2))
        self.averaged.set_weights(self.generator.get_weights())
        self.critics = build_critics(info, recipe, self.kinds, unit, seed)
        self.critic_variables = [v for critic in self.critics for v in critic.network.trainable_variables]
        betas = (recipe.beta_1, recipe.beta_2)
        self.critic_optimizer = keras.optimizers.Adam(recipe.critic_rate, *betas)
        self.generator_optimizer = keras.optimizers.Adam(recipe.generator_rate, *betas)
        self.critic_optimizer.build(self.critic_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.steps = {penalised: tf.function(self._step(penalised), autograph=False) for penalised in (True, False)}

    def __call__(self, number, audio, labels, rate):
        """Step `number` on `audio` [updates, batch, time, channels] and `labels`, at a share `rate` of both rates."""
        return self.steps[number % self.recipe.every == 0](audio, labels, tf.constant(rate, tf.float32))

    def _step(self, penalised):
        def step(audio, labels, rate):
            self.critic_optimizer.learning_rate.assign(rate * self.recipe.critic_rate)
            self.generator_optimizer.learning_rate.assign(rate * self.recipe.generator_rate)
            for update in range(self.recipe.updates):
                asked_for = tf.one_hot(labels[update], self.kinds)
                scores = self._update_critics(audio[update], asked_for, penalised)
            self._update_generator(audio[-1], asked_for)
            self._update_average()
            return scores

        return step

    def _views(self, audio):
        audio = augmented(audio, self.recipe.augment)
        return [critic.view(audio) for critic in self.critics]

    def _made(self, asked_for):
        """What critics hear of clips of new latents and the class weights `asked_for`."""
        latents = tf.random.uniform((self.recipe.batch, LATENT_SIZE), -1, 1)
        given = tf.concat([latents, asked_for], 1) if self.recipe.conditional else latents
        return self._views(self.generator(given, training=True))

    def _update_critics(self, audio, asked_for, penalised):
        """One update of all critics. Returns the mean score of recordings and of generated clips by each."""
        views = zip(self.critics, self._views(audio), self._made(asked_for), strict=True)
        variables, loss, means = [v.value for v in self.critic_variables], 0.0, []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            for critic, real, fake in views:
                scores = critic(
                    tf.concat([real, fake], 0), tf.concat([asked_for, asked_for], 0)
                )  # one pass, one set of shifts
                of_real, of_fake = scores[: self.recipe.batch], scores[self.recipe.batch :]
                loss += self.loss.critic(of_real, of_fake)
                means += [tf.reduce_mean(of_real), tf.reduce_mean(of_fake)]
                if penalised:
                    loss += critic.gamma / 2 * self.recipe.every * self._penalty(critic, real, fake, asked_for)
        self.critic_optimizer.apply(tape.gradient(loss, variables), self.critic_variables)
        return tf.stack(means)

    def _penalty(self, critic, real, fake, asked_for):
        if self.recipe.loss == "wgan-gp":
            weights = tf.random.uniform((self.recipe.batch, 1, 1))
            slope = critic.slope(real + weights * (fake - real), asked_for)
            return tf.reduce_mean((tf.sqrt(slope + 1e-12) - 1) ** 2)
        penalty = tf.reduce_mean(critic.slope(real, asked_for))
        return penalty + tf.reduce_mean(critic.slope(fake, asked_for)) if self.recipe.r2 else penalty

    def _update_generator(self, audio, asked_for):
        variables, loss = [v.value for v in self.generator.trainable_variables], 0.0
        viewed = self._views(audio)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            for critic, real, fake in zip(self.critics, viewed, self._made(asked_for), strict=True):
                reference = critic(real, asked_for) if self.recipe.loss == "pairs" else None
                loss += self.loss.generator(reference, critic(fake, asked_for))
        self.generator_optimizer.apply(tape.gradient(loss, variables), self.generator.trainable_variables)

    def _update_average(self):
        step = tf.cast(self.generator_optimizer.iterations, tf.float32)
        kept = tf.minimum(0.5 ** (self.recipe.batch / self.recipe.half_life), (1 + step) / (10 + step))
        for average, weight in zip(self.averaged.weights, self.generator.weights, strict=True):
            average.assign(weight + kept * (average - weight))
