"""Trains on one and on two logical CPU devices; a script, since TensorFlow must be fresh.

Prints the largest difference between the two results' weights.
"""

import keras
import numpy as np
import tensorflow as tf
from conftest import _fit as fit
from conftest import _make_trainer as make_trainer
from conftest import _values as values

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
alone = make_trainer(keras.optimizers.SGD(1e-7))
fit(alone, 5)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    together = make_trainer(keras.optimizers.SGD(1e-7))
start = values(together.network.weights)
fit(together, 5)
end = values(together.network.weights)
pairs = zip(values(alone.network.weights), end, strict=True)
print("replicas", strategy.num_replicas_in_sync)
print("moved", max(np.abs(a - b).max() for a, b in zip(start, end, strict=True)))
print("difference", max(np.abs(one - two).max() for one, two in pairs))
