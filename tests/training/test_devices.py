"""Several devices in the small: two logical CPU devices against one."""

import os
import pathlib
import subprocess
import sys

import keras
import pytest


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_two_devices_train_like_one():
    script = pathlib.Path(__file__).with_name("two_devices.py")
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, env=environment, timeout=300
    )
    assert result.returncode == 0, result.stderr[-3000:]
    figures = dict(line.split() for line in result.stdout.splitlines() if len(line.split()) == 2)
    assert figures["replicas"] == "2"
    assert float(figures["moved"]) > 1e-4  # ten times the tolerance
    assert float(figures["difference"]) < 1e-5
