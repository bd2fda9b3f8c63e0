"""What differs between backends in a step: gradients, what a trainer carries from step to step, compilation.

TensorFlow's variables change in place. JAX's functions are pure: what changes must be an argument and a result. There,
everything runs in a `keras.StatelessScope` that maps each variable to its value, so that layers, optimizers and seed
generators read and assign as ever, and the values to go on with are read from the scope at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

from wavegan.backend.start import BACKEND, keras

if BACKEND == "tensorflow":
    import tensorflow as tf
else:
    import jax

# A tensor of the backend or of Keras, or an array: no type that a checker knows is common to all of them.
Tensor: TypeAlias = Any

# For `keras.Model.compile`: JAX compiles by XLA or not at all; TensorFlow's own kernels are the faster ones on a CPU,
# and under XLA it has no second derivative of the slice in phase shuffle.
JIT_COMPILE = BACKEND == "jax"


def value_and_gradients(
    function: Callable[[], tuple[Tensor, dict[str, Tensor]]],
    variables: Sequence[keras.Variable],
    state: Sequence[keras.Variable],
) -> tuple[Tensor, dict[str, Tensor], list[Tensor]]:
    """A loss and its gradients.

    Args:
        function: called without arguments; returns (loss, facts), a scalar tensor and {name: tensor}.
        variables: what to differentiate by.
        state: all variables that `function` reads or changes, `variables` among them.

    Returns (loss, facts, gradients), the gradients in the order of `variables`.
    """
    if BACKEND == "tensorflow":
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            loss, facts = function()
        return loss, facts, tape.gradient(loss, [variable.value for variable in variables])

    differentiated = {id(variable) for variable in variables}
    others = [variable for variable in state if id(variable) not in differentiated]

    def of_values(values: list[Tensor], other_values: list[Tensor]) -> tuple[Tensor, tuple]:
        with keras.StatelessScope(_pairs([variables, others], [values, other_values])) as scope:
            loss, facts = function()
        return loss, (facts, [scope.get_current_value(variable) for variable in others])

    now = [[variable.value for variable in group] for group in (variables, others)]
    (loss, (facts, other_values)), gradients = jax.value_and_grad(of_values, has_aux=True)(*now)
    for variable, value in zip(others, other_values, strict=True):
        variable.assign(value)  # in the scope around this one, where there is one
    return loss, facts, gradients


def value_and_gradients_where(
    condition: Tensor,
    function: Callable[[], tuple[Tensor, dict[str, Tensor]]],
    variables: Sequence[keras.Variable],
    state: Sequence[keras.Variable],
) -> tuple[Tensor, list[Tensor]]:
    """The loss and gradients of `value_and_gradients` where `condition` holds; zeros, nothing computed, elsewhere.

    `condition` is a scalar tensor of bool, the other arguments are as there; the facts of `function` are left out.
    """
    if BACKEND == "tensorflow":

        def computed() -> list[Tensor]:
            loss, _, found = value_and_gradients(function, variables, state)
            both = zip(found, variables, strict=True)  # None: the loss does not depend on it
            return [loss, *(tf.zeros(variable.shape) if each is None else each for each, variable in both)]

        def skipped() -> list[Tensor]:
            return [tf.zeros(()), *(tf.zeros(variable.shape) for variable in variables)]

        loss, *gradients = tf.cond(condition, computed, skipped)
        return loss, gradients

    others = [variable for variable in state if all(variable is not each for each in variables)]
    groups = [variables, others]

    def computed_of(values: list[list[Tensor]]) -> tuple:
        with keras.StatelessScope(_pairs(groups, values)) as scope:
            loss, _, gradients = value_and_gradients(function, variables, state)
            return loss, gradients, [scope.get_current_value(variable) for variable in others]

    def skipped_of(values: list[list[Tensor]]) -> tuple:
        return jax.numpy.zeros(()), [jax.numpy.zeros_like(value) for value in values[0]], values[1]

    now = [[variable.value for variable in group] for group in groups]
    loss, gradients, other_values = jax.lax.cond(condition, computed_of, skipped_of, now)
    for variable, value in zip(others, other_values, strict=True):
        variable.assign(value)
    return loss, gradients


def input_gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient of `sum(function(x))` by `x`, itself differentiable. Same shape as `x`."""
    if BACKEND == "tensorflow":
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            total = tf.reduce_sum(function(x))
        return tape.gradient(total, x)
    return jax.grad(lambda x: keras.ops.sum(function(x)))(x)


def carried(
    model: keras.Model, step: Callable[[Any], dict[str, Tensor]], *arguments: Any
) -> dict[str, Tensor] | tuple[dict[str, Tensor], tuple]:
    """What `model.train_step(*arguments)` returns to Keras' trainer, where `step(data)` changes variables.

    TensorFlow's trainer gives `data` and wants `facts`, {name: tensor}. JAX's gives `state, data` and wants
    `facts, state`, the state being the values of the model's four groups of variables.
    """
    if BACKEND == "tensorflow":
        return step(*arguments)
    state, data = arguments
    groups = [
        model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables
    ]  # fmt: skip
    with keras.StatelessScope(_pairs(groups, state)) as scope:
        facts = step(data)
    return facts, tuple([scope.get_current_value(variable) for variable in group] for group in groups)


def compiled(model: keras.Model) -> Callable[[Tensor], Tensor]:
    """`model(x, training=False)` as a compiled function of an array `x`."""
    return compiled_function(lambda x: model(x, training=False), model)


def compiled_function(function: Callable[..., Tensor], *layers: keras.Layer) -> Callable[..., Tensor]:
    """`function(*arrays)`, which may call `layers` as often as it likes but not change them, compiled."""
    if BACKEND == "tensorflow":
        return tf.function(function, autograph=False)

    @jax.jit
    def forward(values: list[list[Tensor]], *arrays: Tensor) -> Tensor:
        with keras.StatelessScope(_pairs([layer.variables for layer in layers], values)):
            return function(*arrays)

    return lambda *arrays: forward([_on_one_device(layer) for layer in layers], *arrays)


def compiled_slopes(model: keras.Model, loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A compiled function of an array `x` [n, …]: losses [n], and the gradient of each by its own row of `x`.

    `loss` takes `model(x, training=False)` and gives the losses, each of which depends on its own row alone.
    """
    if BACKEND == "tensorflow":

        @partial(tf.function, autograph=False)
        def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x)
                losses = loss(model(x, training=False))
            return losses, tape.gradient(losses, x)

        return slopes

    def total(x: Tensor, values: list[Tensor]) -> tuple[Tensor, Tensor]:
        with keras.StatelessScope(_pairs([model.variables], [values])):
            losses = loss(model(x, training=False))
        return losses.sum(), losses

    @jax.jit
    def slopes_of(x: Tensor, values: list[Tensor]) -> tuple[Tensor, Tensor]:
        (_, losses), gradients = jax.value_and_grad(total, has_aux=True)(x, values)
        return losses, gradients

    return lambda x: slopes_of(x, _on_one_device(model))


def _on_one_device(layer: keras.Layer) -> list[Tensor]:
    """The weights as one device of this process has them.

    Where a training is shared, every device has all; and what sounds a process makes is nothing to the others.
    """
    return [variable.value.addressable_data(0) for variable in layer.variables]


def _pairs(groups: Iterable[Iterable[keras.Variable]], values: Iterable[Iterable[Tensor]]) -> list[tuple]:
    """[(variable, value)] of groups of variables and their values: what a `keras.StatelessScope` maps."""
    return [pair for both in zip(groups, values, strict=True) for pair in zip(*both, strict=True)]
