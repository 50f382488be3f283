"""vgg.py: the same weights from every layout, and features as an independent NumPy says."""

import h5py
import keras
import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.losses import vgg
from cin_style.losses.vgg import VGG16, VGG19

WIDTHS = {"block1": 64, "block2": 128, "block3": 256, "block4": 512, "block5": 512}
CHOSEN = ("block1_conv1", "block1_conv2", "block2_conv1")
IMAGE = np.random.default_rng(0).random((2, 10, 12, 3)).astype("float32")


def make_weights(layers=CHOSEN, seed=3):
    """Random weights with biases of a size that matters: layer names to (kernel, bias)."""
    rng = np.random.default_rng(seed)
    arrays, channels = {}, 3
    for layer in layers:
        width = WIDTHS[layer[:6]]
        kernel = rng.normal(0, np.sqrt(2 / (9 * channels)), (3, 3, channels, width))
        arrays[layer] = kernel.astype("float32"), rng.normal(0, 20, width).astype("float32")
        channels = width
    return arrays


WEIGHTS = make_weights()


def write_npz(path, arrays):
    parts = {}
    for layer, (kernel, bias) in arrays.items():
        parts |= {f"{layer}/kernel": kernel, f"{layer}/bias": bias}
    np.savez(path, **parts)
    return path


def write_legacy_h5(path, arrays):
    """The layout of the file that Keras downloads."""
    with h5py.File(path, "w") as file:
        pools = [f"block{block}_pool" for block in range(1, 6)]
        file.attrs["layer_names"] = np.array(["input_1", *arrays, *pools], dtype="S")
        for name in ("input_1", *pools):
            file.create_group(name).attrs["weight_names"] = np.array([], dtype="S1")
        for layer, (kernel, bias) in arrays.items():
            group = file.create_group(layer)
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"]
            group.attrs["weight_names"] = np.array(names, dtype="S")
            for name, array in zip(names, (kernel, bias), strict=True):
                group.create_dataset(name, data=array)
    return path


@pytest.fixture(scope="module")
def keras_vgg(tmp_path_factory):
    """Keras' own VGG16 and the path of its weights in the `.weights.h5` layout."""
    model = keras.applications.VGG16(weights=None, include_top=False)
    rng = np.random.default_rng(5)
    for layer in VGG16.LAYERS[:4]:
        bias = model.get_layer(layer).bias
        bias.assign(rng.normal(0, 0.1, bias.shape))
    path = tmp_path_factory.mktemp("vgg") / "full.weights.h5"
    model.save_weights(path)
    return model, path


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
def test_features_are_those_of_the_definition(tmp_path, pooling):
    found = features(write_npz(tmp_path / "w.npz", WEIGHTS), pooling=pooling)
    expected = numpy_features(WEIGHTS, pooling)
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


def test_mirrored_borders_are_those_of_the_mirrored_picture(tmp_path):
    path = write_npz(tmp_path / "w.npz", WEIGHTS)
    found = features(path, CHOSEN[:2], padding="reflect")
    around = np.pad(IMAGE, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    larger = VGG16(CHOSEN[:1], path)(around)["block1_conv1"]
    # One layer deep, padding the features mirrors nothing else than padding the picture.
    expected = keras.ops.convert_to_numpy(larger)[:, 4:-4, 4:-4]
    np.testing.assert_allclose(found["block1_conv1"], expected, rtol=1e-4, atol=2e-3)
    # Inside, the padding has no part.
    plain = features(path, CHOSEN[:2])
    for layer in CHOSEN[:2]:
        assert found[layer].shape == plain[layer].shape
        inside = np.s_[:, 2:-2, 2:-2]
        np.testing.assert_allclose(found[layer][inside], plain[layer][inside], rtol=1e-4, atol=2e-3)
        assert abs(found[layer] - plain[layer]).max() > 1


def test_odd_sizes_drop_the_last_row_as_pooling_does():
    outputs = VGG16(["block2_conv1"], "random")(np.zeros((1, 9, 7, 3), "float32"))
    assert outputs["block2_conv1"].shape == (1, 4, 3, 128)


def test_equal_to_keras_own_network(keras_vgg):
    model, path = keras_vgg
    deep = "block2_conv2"
    reference = keras.Model(model.inputs, model.get_layer(deep).output)
    prepared = keras.applications.vgg16.preprocess_input(255 * IMAGE)
    expected = keras.ops.convert_to_numpy(reference([prepared]))
    found = features(path, [deep], pooling="max")[deep]
    assert expected.max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())


# === Layouts ===


def assert_equal(one, two):
    assert one.keys() == two.keys()
    for layer in one:
        np.testing.assert_array_equal(one[layer], two[layer])


def test_npz_and_the_legacy_h5_give_the_same(tmp_path):
    npz = features(write_npz(tmp_path / "w.npz", WEIGHTS))
    assert_equal(npz, features(write_legacy_h5(tmp_path / "w.h5", WEIGHTS)))
    assert_equal(npz, features(str(tmp_path / "w.h5")))


def test_npz_and_keras_3_weights_give_the_same(tmp_path, keras_vgg):
    model, path = keras_vgg
    arrays = {layer: tuple(model.get_layer(layer).get_weights()) for layer in VGG16.LAYERS}
    read = vgg.read_weights(path)
    assert list(read) == list(VGG16.LAYERS)
    for layer in VGG16.LAYERS:
        np.testing.assert_array_equal(read[layer][0], arrays[layer][0])
        np.testing.assert_array_equal(read[layer][1], arrays[layer][1])
    first = {layer: arrays[layer] for layer in CHOSEN}
    assert_equal(features(write_npz(tmp_path / "w.npz", first)), features(path))


def test_imagenet_is_the_file_that_keras_downloads(tmp_path, monkeypatch):
    path = write_legacy_h5(tmp_path / "w.h5", WEIGHTS)
    asked = {}

    def get_file(name, url, **options):
        asked.update(options, name=name, url=url)
        return str(path)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert_equal(features("imagenet"), features(path))
    assert asked["url"].endswith("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
    assert asked["file_hash"] == "6d6bbae143d832006294945121d1f1fc"
    assert asked["name"] == asked["url"].split("/")[-1]


def test_a_download_that_fails(monkeypatch):
    def get_file(*args, **options):
        raise Exception("URL fetch failure on https://...: None -- Temporary failure")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    message = "could not download VGG16's weights: URL fetch.*--vgg_weights.*CIN_STYLE_VGG_WEIGHTS"
    with pytest.raises(UserError, match=message):
        VGG16(["block1_conv1"])


def test_default_weights(monkeypatch):
    assert VGG16.default_weights() == "imagenet"
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "")
    assert VGG16.default_weights() == "imagenet"
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "some/file.npz")
    assert VGG16.default_weights() == "some/file.npz"


def test_random_weights_are_seeded():
    layers = ["block1_conv1", "block2_conv1"]
    assert_equal(features("random", layers), features("random", layers))
    other = features("random", layers, seed=1)
    assert not np.array_equal(other["block2_conv1"], features("random", layers)["block2_conv1"])


# === Depth, freezing ===


def test_only_as_deep_as_asked(tmp_path):
    path = write_npz(tmp_path / "w.npz", WEIGHTS)
    model = VGG16(["block1_conv2", "block1_conv2"], path)
    convolutions = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert convolutions == ["block1_conv1", "block1_conv2"]
    assert list(model(IMAGE)) == ["block1_conv2"]
    assert not any("pool" in layer.name for layer in model.layers)


def test_frozen(tmp_path):
    model = VGG16(CHOSEN, write_npz(tmp_path / "w.npz", WEIGHTS))
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == 6


# === VGG19 ===


def test_vgg19_is_keras_own(tmp_path):
    reference = keras.applications.VGG19(weights=None, include_top=False)
    path = tmp_path / "full.weights.h5"
    reference.save_weights(path)
    convolutions = [layer for layer in reference.layers if isinstance(layer, keras.layers.Conv2D)]
    assert VGG19.LAYERS == tuple(layer.name for layer in convolutions)
    deep = "block3_conv4"
    expected = keras.Model(reference.inputs, reference.get_layer(deep).output)(
        [keras.applications.vgg19.preprocess_input(255 * IMAGE)]
    )
    found = VGG19([deep], path, "max")(IMAGE)[deep]
    expected, found = map(keras.ops.convert_to_numpy, (expected, found))
    assert expected.max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.max())


def test_vgg19_has_weights_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "sixteen.npz")
    assert VGG19.default_weights() == "imagenet"
    monkeypatch.setenv("CIN_STYLE_VGG19_WEIGHTS", "nineteen.npz")
    assert VGG19.default_weights() == VGG19.at_hand() == "nineteen.npz"
    assert VGG16.default_weights() == "sixteen.npz"
    with pytest.raises(UserError, match="VGG19 has no layer block1_conv3"):
        VGG19(["block1_conv3"], "random")
    with pytest.raises(UserError, match="no such file of VGG19 weights: nineteen.npz"):
        VGG19(["block1_conv1"], "nineteen.npz")
    path = write_npz(tmp_path / "w.npz", WEIGHTS)
    with pytest.raises(UserError, match="lack the layer block2_conv2"):
        VGG19(["block3_conv4"], path)


# === Errors ===


def test_unknown_layers_and_options():
    with pytest.raises(UserError, match="no layer block1_conv3. Choose from block1_conv1, block1_"):
        VGG16(["block1_conv3"], "random")
    with pytest.raises(UserError, match="at least one layer"):
        VGG16([], "random")
    with pytest.raises(UserError, match="padding must be zeros or reflect. Received: same"):
        VGG16(["block1_conv1"], "random", padding="same")
    with pytest.raises(UserError, match="pooling must be avg or max. Received: mean"):
        VGG16(["block1_conv1"], "random", pooling="mean")


def test_a_layer_that_the_file_lacks(tmp_path):
    path = write_npz(tmp_path / "w.npz", WEIGHTS)
    message = (
        "w.npz lack the layer block2_conv2; they have block1_conv1, block1_conv2, block2_conv1"
    )
    with pytest.raises(UserError, match=message):
        VGG16(["block2_conv2"], path)


def test_wrong_shapes(tmp_path):
    kernel, bias = WEIGHTS["block1_conv1"]
    for wrong, shape in [
        ((kernel.transpose(3, 2, 0, 1), bias), r"kernel of shape \(64, 3, 3, 3\)"),
        ((kernel, bias[:32]), r"bias of shape \(32,\)"),
    ]:
        path = write_npz(tmp_path / "w.npz", {"block1_conv1": wrong})
        with pytest.raises(UserError, match=f"w.npz: layer block1_conv1 has a .*{shape}.*VGG16"):
            VGG16(["block1_conv1"], path)


def test_no_such_file(tmp_path):
    for path in (tmp_path / "gone.npz", tmp_path):
        with pytest.raises(UserError, match="no such file of VGG16 weights: .*imagenet, random"):
            VGG16(["block1_conv1"], path)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("kind", ["garbage", "empty", "zip", "cut", "array"])
def test_files_that_hold_something_else(tmp_path, suffix, kind):
    path = tmp_path / f"w{suffix}"
    if kind == "cut":
        (write_npz if suffix == ".npz" else write_legacy_h5)(path, WEIGHTS)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        contents = {"garbage": b"no weights at all" * 9, "empty": b"", "zip": b"PK\3\4" + b"x" * 99}
        path.write_bytes(contents[kind])
    with pytest.raises(UserError, match="cannot read VGG16 weights from .*: .*Expected a .npz"):
        VGG16(["block1_conv1"], path)


def test_files_without_a_layer_of_vgg16(tmp_path):
    np.savez(tmp_path / "w.npz", other=np.zeros(3))
    with pytest.raises(UserError, match="w.npz holds no layer of VGG16"):
        VGG16(["block1_conv1"], tmp_path / "w.npz")
    write_legacy_h5(tmp_path / "legacy.h5", {})
    with pytest.raises(UserError, match="legacy.h5 holds no layer of VGG16"):
        VGG16(["block1_conv1"], tmp_path / "legacy.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layers"] = np.zeros(3)
    with pytest.raises(UserError, match="other.h5 holds no layer of VGG16"):
        VGG16(["block1_conv1"], tmp_path / "other.h5")


def test_a_legacy_layer_without_its_bias(tmp_path):
    path = write_legacy_h5(tmp_path / "w.h5", WEIGHTS)
    with h5py.File(path, "a") as file:
        names = np.array(["block1_conv1_W_1:0"], dtype="S")
        file["block1_conv1"].attrs["weight_names"] = names
    with pytest.raises(UserError, match="block1_conv1 has 1 arrays, not a kernel and a bias"):
        VGG16(["block1_conv1"], path)


# === The real weights ===


def test_real_weights(shared_data):
    path = shared_data / "vgg16" / "vgg16_block1-3.npz"
    if not path.is_file():
        pytest.skip("needs the VGG16 weights beside the repository")
    rng = np.random.default_rng(0)
    noise = rng.random((1, 32, 32, 3)).astype("float32")
    flat = np.full((1, 32, 32, 3), 0.5, "float32")
    responses = {}
    model = VGG16(["block3_conv3"], path)
    for name, image in (("noise", noise), ("flat", flat)):
        found = keras.ops.convert_to_numpy(model(image)["block3_conv3"])
        assert found.shape == (1, 8, 8, 256) and np.isfinite(found).all()
        responses[name] = found[0, 2:-2, 2:-2]
    # Trained features: many channels silent, and structure excites more than its absence.
    assert 0.3 < (responses["noise"] == 0).mean() < 0.98
    assert responses["noise"].mean() > 2 * responses["flat"].mean()
    with pytest.raises(UserError, match="lack the layer block4_conv1; they have .*block3_conv3"):
        VGG16(["block4_conv3"], path)
