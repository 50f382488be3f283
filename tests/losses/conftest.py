"""Weights of loss networks that several tests here write to files."""

import numpy as np
import pytest


def _make_weights(architecture, layers, seed=3):
    rng = np.random.default_rng(seed)
    arrays = {}
    for layer in layers:
        before, width = architecture.channels[layer]
        kernel = rng.normal(0, np.sqrt(2 / (9 * before)), (3, 3, before, width))
        arrays[layer] = kernel.astype("float32"), rng.normal(0, 20, width).astype("float32")
    return arrays


@pytest.fixture(scope="session")
def make_weights():
    """A function of an architecture and layers: random weights with biases of a size that matters.

    It returns a dict of layer names to (kernel, bias).
    """
    return _make_weights


@pytest.fixture(scope="session")
def write_npz():
    """A function of a path and what `make_weights` returns, which writes the one to the other."""

    def write(path, arrays):
        parts = {}
        for layer, (kernel, bias) in arrays.items():
            parts |= {f"{layer}/kernel": kernel, f"{layer}/bias": bias}
        np.savez(path, **parts)
        return path

    return write
