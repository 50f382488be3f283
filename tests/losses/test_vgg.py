"""vgg.py: features as an independent NumPy says, and as Keras' own networks do."""

import keras
import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.losses import vgg, vgg_weights
from cin_style.losses.vgg import VGG16, VGG19, LossNetwork

CHOSEN = ("block1_conv1", "block1_conv2", "block2_conv1")
IMAGE = np.random.default_rng(0).random((2, 10, 12, 3)).astype("float32")


@pytest.fixture(scope="module")
def weights(make_weights):
    return make_weights(vgg_weights.VGG16, CHOSEN)


@pytest.fixture(scope="module")
def file(weights, write_npz, tmp_path_factory):
    return write_npz(tmp_path_factory.mktemp("vgg") / "w.npz", weights)


def features(weights, layers=CHOSEN, **options):
    outputs = VGG16(layers, weights, **options)(IMAGE)
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}


# === Independent recomputation ===


def numpy_features(arrays, pooling):
    """The same features in float64, from the definition."""
    x = 255.0 * IMAGE.astype("float64")[..., ::-1] - np.array([103.939, 116.779, 123.68])
    found = {}
    for name, (kernel, bias) in arrays.items():
        if name.endswith("conv1") and name != "block1_conv1":
            height, width = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
            corners = [x[:, dy:height:2, dx:width:2] for dy in (0, 1) for dx in (0, 1)]
            x = sum(corners) / 4 if pooling == "avg" else np.maximum.reduce(corners)
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        height, width = x.shape[1:3]
        x = bias.astype("float64") + sum(
            np.einsum("byxi,io->byxo", padded[:, dy : dy + height, dx : dx + width], kernel[dy, dx])
            for dy in range(3)
            for dx in range(3)
        )
        x = found[name] = np.maximum(x, 0)
    return found


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_features_are_those_of_the_definition(weights, file, pooling):
    found = features(file, pooling=pooling)
    expected = numpy_features(weights, pooling)
    assert list(found) == list(CHOSEN)
    shapes = [(2, 10, 12, 64), (2, 10, 12, 64), (2, 5, 6, 128)]
    assert [value.shape for value in found.values()] == shapes
    for layer in CHOSEN:
        assert expected[layer].max() > 50 and 0.1 < (expected[layer] == 0).mean() < 0.9
        np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-4, atol=2e-3)


def test_preprocessing():
    found = vgg.Preprocess()(np.float32([[[[1, 0.5, 0]]]]))
    expected = [0 - 103.939, 127.5 - 116.779, 255 - 123.68]  # blue, green, red
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found)[0, 0, 0], expected, rtol=1e-6)


def test_mirrored_borders_are_those_of_the_mirrored_picture(file):
    found = features(file, CHOSEN[:2], padding="reflect")
    around = np.pad(IMAGE, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    larger = VGG16(CHOSEN[:1], file)(around)["block1_conv1"]
    # One layer deep, padding the features mirrors nothing else than padding the picture.
    expected = keras.ops.convert_to_numpy(larger)[:, 4:-4, 4:-4]
    np.testing.assert_allclose(found["block1_conv1"], expected, rtol=1e-4, atol=2e-3)
    # Inside, the padding has no part.
    plain = features(file, CHOSEN[:2])
    for layer in CHOSEN[:2]:
        assert found[layer].shape == plain[layer].shape
        inside = np.s_[:, 2:-2, 2:-2]
        np.testing.assert_allclose(found[layer][inside], plain[layer][inside], rtol=1e-4, atol=2e-3)
        assert abs(found[layer] - plain[layer]).max() > 1


def test_odd_sizes_drop_the_last_row_as_pooling_does():
    outputs = VGG16(["block2_conv1"], "random")(np.zeros((1, 9, 7, 3), "float32"))
    assert outputs["block2_conv1"].shape == (1, 4, 3, 128)


@pytest.mark.parametrize(
    ("network", "theirs", "deep"),
    [
        (VGG16, keras.applications.vgg16, "block2_conv2"),
        (VGG19, keras.applications.vgg19, "block3_conv4"),
    ],
)
def test_equal_to_keras_own_network(tmp_path, network, theirs, deep):
    build = getattr(theirs, network.__name__)
    reference = build(weights=None, include_top=False)
    rng = np.random.default_rng(5)
    convolutions = [layer for layer in reference.layers if isinstance(layer, keras.layers.Conv2D)]
    assert network.ARCHITECTURE.layers == tuple(layer.name for layer in convolutions)
    for layer in convolutions[:4]:
        layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    path = tmp_path / "full.weights.h5"
    reference.save_weights(path)
    expected = keras.Model(reference.inputs, reference.get_layer(deep).output)(
        [theirs.preprocess_input(255 * IMAGE)]
    )
    found = network([deep], path, "max")(IMAGE)[deep]
    expected, found = map(keras.ops.convert_to_numpy, (expected, found))
    assert expected.max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())


# === Kinds, depth, freezing ===


def test_a_vgg19_is_no_vgg16():
    small, large = (network(CHOSEN[:1], "random") for network in (VGG16, VGG19))
    assert isinstance(small, VGG16) and isinstance(large, VGG19)
    assert not isinstance(large, VGG16) and not isinstance(small, VGG19)
    assert isinstance(small, LossNetwork) and isinstance(large, LossNetwork)
    assert {"vgg16": VGG16, "vgg19": VGG19} == vgg.LOSS_NETWORKS


def test_only_as_deep_as_asked(file):
    model = VGG16(["block1_conv2", "block1_conv2"], file)
    convolutions = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == ["block1_conv1", "block1_conv2"]
    assert list(model(IMAGE)) == ["block1_conv2"]
    assert not any("pool" in layer.name for layer in model.layers)


def test_frozen(file):
    model = VGG16(CHOSEN, file)
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == 6


def test_random_weights_are_seeded():
    def third(seed):
        return features("random", ["block2_conv1"], seed=seed)["block2_conv1"]

    np.testing.assert_array_equal(third(0), third(0))
    assert not np.array_equal(third(0), third(1))


def test_without_weights_it_has_those_of_the_package():
    assert_equal(features(None), features("bundled"))


def test_without_weights_it_has_those_of_the_environment(file, monkeypatch):
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", str(file))
    assert_equal(features(None), features(file))


def assert_equal(one, two):
    assert one.keys() == two.keys()
    for layer in one:
        np.testing.assert_array_equal(one[layer], two[layer])


# === Errors ===


def test_unknown_layers_and_options():
    with pytest.raises(UserError, match="no layer block1_conv3. Choose from block1_conv1, block1_"):
        VGG16(["block1_conv3"], "random")
    with pytest.raises(UserError, match="VGG19 has no layer block1_conv3"):
        VGG19(["block1_conv3"], "random")
    with pytest.raises(UserError, match="at least one layer"):
        VGG16([], "random")
    with pytest.raises(UserError, match="`padding` must be zeros or reflect. Received: same"):
        VGG16(["block1_conv1"], "random", padding="same")
    with pytest.raises(UserError, match="`pooling` must be avg or max. Received: mean"):
        VGG16(["block1_conv1"], "random", pooling="mean")


# === The real weights ===


@pytest.mark.parametrize("kind", ["bundled", "float32"])
def test_trained_features(kind, request):
    path = kind
    if kind == "float32":
        path = request.getfixturevalue("shared_data") / "vgg16" / "vgg16_block1-3.npz"
    noise = np.random.default_rng(0).random((1, 32, 32, 3)).astype("float32")
    flat = np.full((1, 32, 32, 3), 0.5, "float32")
    responses = {}
    model = VGG16(["block3_conv3"], path)
    for name, image in (("noise", noise), ("flat", flat)):
        found = keras.ops.convert_to_numpy(model(image)["block3_conv3"])
        assert found.shape == (1, 8, 8, 256) and np.isfinite(found).all()
        responses[name] = found[0, 2:-2, 2:-2]
    # Many channels silent, and structure excites more than its absence.
    assert 0.3 < (responses["noise"] == 0).mean() < 0.98
    assert responses["noise"].mean() > 2 * responses["flat"].mean()
