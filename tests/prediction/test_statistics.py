"""The statistics of style images: what they are, at every layer, and of a single look."""

import numpy as np
import pytest
from keras import ops

from cin_style.errors import UserError
from cin_style.losses.functional import gram_matrix
from cin_style.losses.vgg import VGG16
from cin_style.prediction.statistics import LAYERS, StyleView, look, measure

LAYERS_SEEN = ["block1_conv2", "block2_conv2", "block3_conv3"]


@pytest.fixture(scope="module")
def vgg():
    return VGG16(LAYERS_SEEN, "random", dtype="float32")


@pytest.fixture(scope="module")
def paintings(make_photo):
    return np.stack([make_photo(40, 32, seed) for seed in (1, 2)]).astype("float32") / 255


def test_they_are_logarithms_of_the_channels_moments(vgg, paintings):
    statistics, _ = look(vgg, paintings, LAYERS, [])
    statistics = ops.convert_to_numpy(statistics)
    assert statistics.shape == (2, 1408) == (2, StyleView().num_statistics)
    found = ops.convert_to_numpy(vgg(paintings)["block2_conv2"])
    np.testing.assert_allclose(
        statistics[:, 128:256], np.log1p(found.mean(axis=(1, 2))), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        statistics[:, 256:384], np.log1p(found.std(axis=(1, 2))), rtol=1e-4, atol=1e-5
    )


def test_half_the_size_is_the_picture_at_half_its_size(vgg, paintings):
    halved = paintings.reshape(2, 16, 2, 20, 2, 3).mean(axis=(2, 4))
    whole, _ = look(vgg, paintings, ["block3_conv3/2"], [])
    half, _ = look(vgg, halved, ["block3_conv3"], [])
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (whole, half)), rtol=1e-4, atol=1e-5)


def test_gram_matrices_come_with_the_same_look(vgg, paintings):
    _, grams = look(vgg, paintings, ["block1_conv2"], ["block2_conv2"])
    expected = gram_matrix(vgg(paintings)["block2_conv2"])
    assert list(grams) == ["block2_conv2"]
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (grams["block2_conv2"], expected)))


def test_half_precision_is_measured_in_float32():
    features = np.full((1, 64, 64, 1), 300.0) + np.linspace(0, 1, 64)[:, None]
    found = measure({"layer": ops.convert_to_tensor(features, "float16")}, ["layer"])
    assert abs(float(found[0, 0]) - np.log1p(300.5)) < 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_network": "vgg11"}, "`loss_network` must be one of vgg16, vgg19"),
        ({"layers": ["block9_conv1"]}, "vgg16 has no layer block9_conv1"),
        ({"size": 8}, "`size` must be from 16 to 2048 px"),
    ],
)
def test_bad_views_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        StyleView(**options)
