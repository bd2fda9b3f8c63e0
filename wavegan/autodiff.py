"""The only file that knows a backend: gradients of losses and of inputs."""

import tensorflow as tf


def value_and_gradients(function, variables):
    """`function() -> (loss, facts)`: returns its loss, its facts, and the loss's gradients, one per variable."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        loss, facts = function()
    return loss, facts, tape.gradient(loss, [variable.value for variable in variables])


def input_gradient(function, x):
    """The gradient of `sum(function(x))` by `x`, itself differentiable. Same shape as `x`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x)
