"""The critics of a step: what each is given, what it scores, and the penalty on its slope."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from wavegan.backend import autodiff, distribution
from wavegan.backend.autodiff import Tensor
from wavegan.models.gan import losses
from wavegan.models.gan.losses import Loss
from wavegan.models.gan.spectrogram import log_magnitudes


@dataclass(frozen=True)
class Critic:
    """One of the critics of a step.

    Attributes:
        network: [inputs, class weights], or inputs alone, → scores [batch, 1].
        view: audio [batch, time, channels] → the network's inputs.
        penalty_weight: of the penalty on the slope by the inputs.
    """

    network: keras.Model
    view: Callable[[Tensor], Tensor]
    penalty_weight: float

    def __call__(self, inputs: Tensor, classes: Tensor | None) -> Tensor:
        """Scores [batch, 1], as in training."""
        return self.network(inputs if classes is None else [inputs, classes], training=True)

    def penalty(self, loss: Loss, real: Tensor, fake: Tensor, weights: Tensor | None, classes: Tensor | None) -> Tensor:
        """The penalty on the slope that `loss` asks for, without its weight: a scalar.

        Args:
            loss: one that has a penalty.
            real, fake: views of recordings and of generated clips.
            weights: of the points between them, [batch, 1, 1], where these are penalised; None elsewhere.
            classes: the class weights of the clips; None for an unconditional critic.
        """
        if weights is not None:
            return losses.gradient_penalty(self._slope(losses.interpolate(real, fake, weights), classes))
        penalty = losses.zero_centred_penalty(self._slope(real, classes))
        if loss.penalised == "both":
            penalty = penalty + losses.zero_centred_penalty(self._slope(fake, classes))
        return penalty

    def _slope(self, inputs: Tensor, classes: Tensor | None) -> Tensor:
        """The gradient of the scores by `inputs`, of their shape."""
        return autodiff.input_gradient(lambda x: self(x, classes), inputs)


def on_waveforms(network: keras.Model, rms: float, penalty_weight: float) -> Critic:
    """A critic of audio divided by `rms`; as it is where that is 1."""
    return Critic(network, (lambda audio: audio) if rms == 1.0 else (lambda audio: audio / rms), penalty_weight)


def on_spectrograms(network: keras.Model, rms: float, window: int, penalty_weight: float) -> Critic:
    """A critic of the log magnitudes of audio divided by `rms`, of so many samples each."""
    return Critic(network, distribution.by_row(lambda audio: log_magnitudes(audio / rms, window)), penalty_weight)
