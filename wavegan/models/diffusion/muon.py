"""Muon: steps of whole matrices, all of whose directions are equally long.

Where Adam brings each number's slope to the same size, this brings each singular value of a matrix' slope there: what
many clips agree on no longer drowns what few of them say. Sources: Jordan et al., "Muon: An optimizer for hidden layers
in neural networks", 2024, whose polynomial it takes; Liu et al., "Muon is Scalable for LLM Training", arXiv 2502.16982,
section 2.2, for steps as long as Adam's.
"""

from collections.abc import Sequence

import keras
from keras import ops

from wavegan.backend.autodiff import Tensor

ITERATIONS = 5  # of the polynomial
POLYNOMIAL = (3.4445, -4.7750, 2.0315)  # of a singular value s: a s + b s³ + c s⁵
LENGTH = 0.2  # root mean square of a step in learning rates, about that of Adam's
SMALLEST = 1e-7


class Muon(keras.optimizers.Optimizer):
    """Steps of kernels by Muon, and of all else by Adam.

    Kernels of convolutions are matrices from taps and channels to filters.

    Args:
        learning_rate: of both.
        betas: Adam's.
        momentum: of the slopes of matrices, with Nesterov's step ahead.
        adam_for: layers whose kernels are not hidden ones, by their names, which Adam steps, too: those of inputs that
            are no feature maps, and the last one.
    """

    def __init__(
        self,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.99),
        momentum: float = 0.95,
        adam_for: Sequence[str] = (),
        **kwargs: object,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.betas, self.momentum, self.adam_for = betas, momentum, tuple(adam_for)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the means of slopes and, where Adam needs them, of their squares."""
        if self.built:
            return
        super().build(variables)
        self.means = [self.add_variable_from_reference(each, name="mean") for each in variables]
        self.squares = [
            self.add_variable_from_reference(each, name="square") if self.by_adam(each) else None for each in variables
        ]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """As Keras asks for it: one step of one variable."""
        place = self._get_variable_index(variable)
        mean, square = self.means[place], self.squares[place]
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if square is None:
            self.assign(mean, self.momentum * mean + gradient)
            matrix = ops.reshape(gradient + self.momentum * mean, (-1, variable.shape[-1]))
            length = LENGTH * max(matrix.shape) ** 0.5
            self.assign_sub(variable, ops.reshape(orthogonal(matrix, rate * length), variable.shape))
            return
        step = ops.cast(self.iterations + 1, variable.dtype)
        first, second = self.betas
        self.assign_add(mean, (gradient - mean) * (1 - first))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - second))
        rate = rate * ops.sqrt(1 - ops.power(second, step)) / (1 - ops.power(first, step))
        self.assign_sub(variable, rate * mean / (ops.sqrt(square) + SMALLEST))

    def get_config(self) -> dict:
        """As Keras asks for it."""
        own = {"betas": self.betas, "momentum": self.momentum, "adam_for": self.adam_for}
        return {**super().get_config(), **own}

    def by_adam(self, variable: keras.Variable) -> bool:
        """Whether Adam makes the steps of `variable`."""
        return len(variable.shape) < 2 or variable.path.split("/")[-2] in self.adam_for


def orthogonal(matrix: Tensor, length: float | Tensor = 1.0) -> Tensor:
    """A matrix of the same shape and singular vectors as `matrix`, whose singular values are near `length`.

    The polynomial of x is x times one of x xᵀ, of the smaller of the two sizes, so all iterations are of that alone.
    It is symmetric, and multiplies x from either side; x itself need not be scaled, or turned.
    """
    rows, columns = matrix.shape
    turned = ops.transpose(matrix)
    squares = ops.matmul(turned, matrix) if rows > columns else ops.matmul(matrix, turned)
    scale = 1.0 / (ops.sqrt(ops.trace(squares)) + SMALLEST)  # one over the root of the sum of squares
    squares = ops.square(scale) * squares
    a, b, c = POLYNOMIAL
    one, factors = ops.eye(min(rows, columns), dtype=matrix.dtype), None
    for iteration in range(ITERATIONS):
        factor = a * one + b * squares + c * ops.matmul(squares, squares)
        factors = factor if factors is None else ops.matmul(factor, factors)
        if iteration < ITERATIONS - 1:
            squares = ops.matmul(ops.matmul(factor, squares), factor)
    factors = length * scale * factors
    return ops.matmul(matrix, factors) if rows > columns else ops.matmul(factors, matrix)
