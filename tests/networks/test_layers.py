"""The two layers against plain NumPy, and in Keras' own layer test harness."""

import keras
import numpy as np
import pytest
from keras import ops

from cin_style.errors import UserError
from cin_style.networks.layers import (
    ConditionalInstanceNormalization,
    EmbeddedInstanceNormalization,
    ReflectionPadding2D,
)

RNG = np.random.default_rng(0)


def normalize(x, style_weights, gamma, beta, epsilon=1e-5):
    """Equation 5 of the paper in float64, example by example and channel by channel."""
    x = np.asarray(x, "float64")
    result = np.empty_like(x)
    for example in range(x.shape[0]):
        g = np.einsum("...n,nc->...c", np.float64(style_weights[example]), np.float64(gamma))
        b = np.einsum("...n,nc->...c", np.float64(style_weights[example]), np.float64(beta))
        for channel in range(x.shape[-1]):
            plane = x[example, :, :, channel]
            normal = (plane - plane.mean()) / np.sqrt(plane.var() + epsilon)
            result[example, :, :, channel] = normal * g[..., channel] + b[..., channel]
    return result


@pytest.fixture
def layer():
    """A built layer of 4 styles and 5 channels with random tables."""
    layer = ConditionalInstanceNormalization(4)
    layer.build([(None, None, None, 5), (None, 4)])
    layer.gamma.assign(RNG.normal(1, 0.5, (4, 5)))
    layer.beta.assign(RNG.normal(0, 0.5, (4, 5)))
    return layer


@pytest.mark.parametrize(
    "style_weights",
    [
        pytest.param(np.eye(4)[[2, 2, 2]], id="one style"),
        pytest.param(np.eye(4)[[0, 3, 1]], id="a mixed batch"),
        pytest.param([[0.7, 0.3, 0, 0], [0.25] * 4, [0, 0, 1.5, -0.5]], id="blends"),
        pytest.param(RNG.uniform(size=(3, 6, 7, 4)), id="a map"),
    ],
)
def test_normalization_equals_numpy(layer, style_weights):
    x = RNG.normal(3, 2, (3, 6, 7, 5)).astype("float32")
    style_weights = np.asarray(style_weights, "float32")
    result = ops.convert_to_numpy(layer([x, style_weights]))
    expected = normalize(
        x, style_weights, ops.convert_to_numpy(layer.gamma), ops.convert_to_numpy(layer.beta)
    )
    np.testing.assert_allclose(result, expected, atol=1e-5, rtol=1e-5)


def test_tables_have_a_row_for_each_style(layer):
    assert layer.gamma.shape == (4, 5)
    assert layer.beta.shape == (4, 5)


def test_one_style_in_a_blend_is_that_style_to_the_bit(layer):
    x = RNG.normal(size=(1, 8, 8, 5)).astype("float32")
    alone = ConditionalInstanceNormalization(1)
    alone.build([(None, None, None, 5), (None, 1)])
    alone.gamma.assign(layer.gamma[2:3])
    alone.beta.assign(layer.beta[2:3])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(layer([x, np.eye(4, dtype="float32")[[2]]])),
        ops.convert_to_numpy(alone([x, np.ones((1, 1), "float32")])),
    )


def test_a_constant_map_is_the_plain_style_to_the_bit(layer):
    x = RNG.normal(size=(2, 8, 6, 5)).astype("float32")
    row = np.float32([[0.7, 0.3, 0, 0], [0, 0, 0, 1]])
    constant = np.broadcast_to(row[:, None, None], (2, 8, 6, 4))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(layer([x, constant])), ops.convert_to_numpy(layer([x, row]))
    )


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_layer_test_harness():
    from keras.src.testing import TestCase

    TestCase().run_layer_test(
        ConditionalInstanceNormalization,
        init_kwargs={"num_styles": 3, "epsilon": 1e-3},
        input_shape=((2, 5, 4, 6), (2, 3)),
        expected_output_shape=(2, 5, 4, 6),
        expected_num_trainable_weights=2,
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=0,
        expected_num_losses=0,
        supports_masking=False,
    )
    TestCase().run_layer_test(
        ReflectionPadding2D,
        init_kwargs={"padding": ((1, 2), (3, 0))},
        input_shape=(2, 5, 4, 6),
        expected_output_shape=(2, 8, 7, 6),
        expected_num_trainable_weights=0,
        expected_num_non_trainable_weights=0,
        expected_num_seed_generators=0,
        expected_num_losses=0,
        supports_masking=False,
    )


def test_blend_weights_and_tables_stay_float32_under_mixed_precision():
    layer = ConditionalInstanceNormalization(2, dtype="mixed_bfloat16")
    x = ops.cast(RNG.normal(size=(1, 4, 4, 3)), "bfloat16")
    row = np.float32([[0.3, 0.7]])
    result = layer([x, row])
    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(layer.gamma.dtype) == "float32"
    layer.beta.assign(np.float32([[1, 1, 1], [0, 0, 0]]))
    layer.gamma.assign(np.zeros((2, 3)))
    # 0.3 rounded once, at the end: not the product of roundings on the way.
    expected = ops.convert_to_numpy(ops.cast(ops.cast(np.float32(0.3), "bfloat16"), "float32"))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.cast(layer([x, row]), "float32")), expected
    )


def test_works_in_anybodys_model(tmp_path):
    images = keras.Input((8, 8, 2))
    rows = keras.Input((3,))
    x = keras.layers.Conv2D(4, 3)(images)
    model = keras.Model([images, rows], ConditionalInstanceNormalization(3)([x, rows]))
    model.save(tmp_path / "model.keras")
    batch = [
        RNG.normal(size=(2, 8, 8, 2)).astype("float32"),
        np.float32([[1, 0, 0], [0, 0.5, 0.5]]),
    ]
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.predict_on_batch(batch), loaded.predict_on_batch(batch))


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="num_styles must be an integer of at least 1.*=0"):
        ConditionalInstanceNormalization(0)
    layer = ConditionalInstanceNormalization(3)
    with pytest.raises(ValueError, match=r"num_styles=3\. Received: shape \(2, 4\)"):
        layer([np.zeros((2, 4, 4, 1), "float32"), np.zeros((2, 4), "float32")])


def test_reflection_padding_mirrors_without_the_edge():
    x = np.arange(12, dtype="float32").reshape(1, 3, 4, 1)
    padded = ops.convert_to_numpy(ReflectionPadding2D(2)(x))[0, :, :, 0]
    expected = [
        [10, 9, 8, 9, 10, 11, 10, 9],
        [6, 5, 4, 5, 6, 7, 6, 5],
        [2, 1, 0, 1, 2, 3, 2, 1],
        [6, 5, 4, 5, 6, 7, 6, 5],
        [10, 9, 8, 9, 10, 11, 10, 9],
        [6, 5, 4, 5, 6, 7, 6, 5],
        [2, 1, 0, 1, 2, 3, 2, 1],
    ]
    np.testing.assert_array_equal(padded, expected)


def test_reflection_padding_says_what_the_smallest_image_is():
    with pytest.raises(UserError, match="needs a height of at least 5 px here. Received: 4"):
        ReflectionPadding2D(4)(np.zeros((1, 4, 9, 1), "float32"))


def test_statistics_of_many_pixels_are_exact():
    """Added up value after value, they would be wrong in the fifth digit."""
    x = RNG.normal(4, 1, (1, 700, 701, 2)).astype("float32")
    embedding = np.float32([1, 1, 0, 0]).reshape(1, 1, 4)
    layer = EmbeddedInstanceNormalization(0)
    normalized = ops.convert_to_numpy(layer([x, embedding, np.ones((1, 1), "float32")]))
    expected = normalize(x, np.ones((1, 1)), np.ones((1, 2)), np.zeros((1, 2)))
    assert np.abs(normalized - expected).max() < 5e-6
