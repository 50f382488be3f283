"""vgg_weights.py: the same weights from every layout, and none of another network."""

import pathlib

import h5py
import keras
import numpy as np
import pytest
from skimage import data

from cin_style import images
from cin_style.errors import UserError
from cin_style.losses import vgg_weights
from cin_style.losses.objective import StyleObjective
from cin_style.losses.vgg import VGG16 as Network
from cin_style.losses.vgg_weights import VGG16, VGG19, get_weights, read_weights

CHOSEN = ("block1_conv1", "block1_conv2", "block2_conv1")
# As deep as it takes to tell the two networks from each other.
DEEP = {network: network.layers[:9] for network in (VGG16, VGG19)}


@pytest.fixture(scope="module")
def weights(make_weights):
    return make_weights(VGG16, CHOSEN)


@pytest.fixture(scope="module")
def deep(make_weights):
    """Weights of both networks that reach into the fourth block."""
    return {network: make_weights(network, DEEP[network]) for network in (VGG16, VGG19)}


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


def write_keras_3(path, arrays):
    """The layout of `save_weights`: convolutions by number, without names."""
    with h5py.File(path, "w") as file:
        for index, (kernel, bias) in enumerate(arrays.values()):
            group = file.create_group(f"layers/conv2d{f'_{index}' if index else ''}/vars")
            group["0"], group["1"] = kernel, bias
    return path


def assert_equal(one, two):
    assert list(one) == list(two)
    for layer in one:
        for mine, theirs in zip(one[layer], two[layer], strict=True):
            np.testing.assert_array_equal(mine, theirs)


# === Layouts ===


def test_every_layout_gives_the_same(tmp_path, weights, write_npz):
    assert_equal(read_weights(write_npz(tmp_path / "w.npz", weights)), weights)
    assert_equal(read_weights(write_legacy_h5(tmp_path / "w.h5", weights)), weights)
    assert_equal(read_weights(str(tmp_path / "w.h5")), weights)
    assert_equal(read_weights(write_keras_3(tmp_path / "w.weights.h5", weights)), weights)


@pytest.mark.parametrize("network", [VGG16, VGG19])
def test_a_file_that_keras_saves(tmp_path, network):
    model = getattr(keras.applications, network.title)(weights=None, include_top=False)
    path = tmp_path / "full.weights.h5"
    model.save_weights(path)
    expected = {layer: tuple(model.get_layer(layer).get_weights()) for layer in network.layers}
    assert_equal(read_weights(path, network), expected)
    other = VGG19 if network is VGG16 else VGG16
    with pytest.raises(UserError, match=f"These are {network.title}'s weights"):
        read_weights(path, other)


def test_half_precision_is_read_as_float32(tmp_path, weights, write_npz):
    half = {name: tuple(part.astype("float16") for part in pair) for name, pair in weights.items()}
    read = read_weights(write_npz(tmp_path / "w.npz", half))
    assert {part.dtype for pair in read.values() for part in pair} == {np.dtype("float32")}
    assert_equal(read, half)


def test_imagenet_is_the_file_that_keras_downloads(tmp_path, weights, monkeypatch):
    path = write_legacy_h5(tmp_path / "w.h5", weights)
    asked = {}

    def get_file(name, url, **options):
        asked.update(options, name=name, url=url)
        return str(path)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert_equal(get_weights(VGG16, CHOSEN, "imagenet"), weights)
    assert asked["url"].endswith("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
    assert asked["file_hash"] == "6d6bbae143d832006294945121d1f1fc"
    assert asked["name"] == asked["url"].split("/")[-1]


def test_a_download_that_fails(monkeypatch):
    def get_file(*args, **options):
        raise Exception("URL fetch failure on https://...: None -- Temporary failure")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    message = "could not download VGG16's weights: URL fetch.*`vgg_weights`.*CIN_STYLE_VGG_WEIGHTS"
    with pytest.raises(UserError, match=message):
        get_weights(VGG16, CHOSEN, "imagenet")


def test_default_weights(monkeypatch):
    assert (VGG16.default_weights, VGG19.default_weights) == ("bundled", "imagenet")
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "")
    assert VGG16.default_weights == "bundled"
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "some/file.npz")
    assert (VGG16.default_weights, VGG19.default_weights) == ("some/file.npz", "imagenet")
    monkeypatch.setenv("CIN_STYLE_VGG19_WEIGHTS", "another.npz")
    assert VGG19.default_weights == "another.npz"


def test_random_weights():
    found = get_weights(VGG19, CHOSEN, "random")
    assert [kernel.shape for kernel, _ in found.values()] == [
        (3, 3, 3, 64),
        (3, 3, 64, 64),
        (3, 3, 64, 128),
    ]
    for (kernel, bias), before in zip(found.values(), (3, 64, 64), strict=True):
        assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * before)), rel=0.1)
        assert not bias.any()


# === In the package ===


def test_bundled_weights_are_the_first_three_blocks():
    names = VGG16.layers[:7]
    assert names[-1] == "block3_conv3"
    found = get_weights(VGG16, names, "bundled")
    assert list(found) == list(names)
    kernels = [kernel for kernel, _ in found.values()]
    assert all(np.isfinite(kernel).all() and 0.01 < kernel.std() < 0.3 for kernel in kernels)
    assert pathlib.Path(VGG16.bundled).stat().st_size < 3.6e6
    assert (pathlib.Path(VGG16.bundled).parent / "README.md").is_file()


def test_layers_that_the_package_has_not():
    message = (
        "the VGG16 weights in the package lack the layer block4_conv1; they have block1_conv1, "
        ".*block3_conv3. Give `vgg_weights` with deeper layers .imagenet, or a file., or take "
        "shallower `content_layers` and `style_layers`"
    )
    with pytest.raises(UserError, match=message):
        Network(["block4_conv3"], "bundled")
    with pytest.raises(UserError, match="no weights of VGG19. Give `vgg_weights`: imagenet, or a"):
        get_weights(VGG19, CHOSEN, "bundled")


def test_losses_with_bundled_weights_are_those_of_float32(shared_data):
    """Within a thousandth, of a photo's pastiche at each of the default layers."""
    photo = images.from_uint8(data.chelsea())[:256, 100:356]
    painting = images.load(
        sorted((shared_data / "styles" / "train32").glob("*.jpg"))[0], short_side=256
    )
    # Half on the way from the photo to another texture, as pastiches are.
    pastiche = 0.5 * photo + 0.5 * images.from_uint8(data.coffee())[:256, :256]
    losses = []
    for weights in ("bundled", shared_data / "vgg16" / "vgg16_block1-3.npz"):
        network = Network(["block1_conv2", "block2_conv2", "block3_conv3"], weights)
        objective = StyleObjective(network, [painting])
        assert len(objective.style_layers) == 4
        content, style = objective.layer_losses(photo[None], np.array([0]), pastiche[None])
        losses.append([float(value[0]) for value in [*content.values(), *style.values()]])
    assert min(losses[1]) > 0
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


# === Of the other network ===


@pytest.mark.parametrize("layout", ["npz", "legacy", "keras_3"])
def test_weights_of_the_other_network_are_refused(tmp_path, deep, write_npz, layout):
    """VGG19's files have all that VGG16 asks for, by names and shapes, up to block3_conv3."""
    suffix, write = {
        "npz": ("npz", write_npz),
        "legacy": ("h5", write_legacy_h5),
        "keras_3": ("weights.h5", write_keras_3),
    }[layout]
    for mine, theirs in ((VGG16, VGG19), (VGG19, VGG16)):
        path = write(tmp_path / f"{theirs.keyword}.{suffix}", deep[theirs])
        assert_equal(read_weights(path, theirs), deep[theirs])
        message = (
            f"{theirs.keyword}.* does not hold the weights of {mine.title}: .*These are "
            f"{theirs.title}'s weights: give {mine.title}'s, or take {theirs.keyword} as the "
            "`loss_network`"
        )
        for weights in (path, str(path)):
            with pytest.raises(UserError, match=message):
                get_weights(mine, CHOSEN, weights)


def test_what_tells_the_networks_apart(tmp_path, deep, write_npz):
    with pytest.raises(UserError, match="it has a layer block3_conv4, and VGG16 has none"):
        read_weights(write_npz(tmp_path / "w.npz", deep[VGG19]), VGG16)
    with pytest.raises(UserError, match="it lacks the layer block3_conv4, and has block4_conv2"):
        read_weights(write_npz(tmp_path / "w.npz", deep[VGG16]), VGG19)


def test_more_convolutions_than_the_network_has(tmp_path, make_weights):
    arrays = make_weights(VGG16, VGG16.layers)
    arrays["one more"] = arrays[VGG16.layers[-1]]
    path = write_keras_3(tmp_path / "w.weights.h5", arrays)
    with pytest.raises(UserError, match="a layer number 14, and VGG16 has none. Give another file"):
        read_weights(path)


# === Errors ===


def test_a_layer_that_the_file_lacks(tmp_path, weights, write_npz):
    path = write_npz(tmp_path / "w.npz", weights)
    message = (
        "w.npz lack the layer block2_conv2; they have block1_conv1, block1_conv2, block2_conv1"
    )
    with pytest.raises(UserError, match=message):
        get_weights(VGG16, VGG16.layers[:4], path)


def test_wrong_shapes(tmp_path, weights, write_npz):
    kernel, bias = weights["block1_conv1"]
    for wrong, shape in [
        ((kernel.transpose(3, 2, 0, 1), bias), r"kernel of shape \(64, 3, 3, 3\)"),
        ((kernel, bias[:32]), r"bias of shape \(32,\)"),
    ]:
        path = write_npz(tmp_path / "w.npz", {"block1_conv1": wrong})
        with pytest.raises(UserError, match=f"VGG16: layer block1_conv1 has a {shape}, expected"):
            read_weights(path)


def test_no_such_file(tmp_path):
    for path in (tmp_path / "gone.npz", tmp_path):
        message = "no such file of VGG16 weights: .*bundled, imagenet, random"
        with pytest.raises(UserError, match=message):
            get_weights(VGG16, CHOSEN, path)
    with pytest.raises(UserError, match="no such file of VGG19 weights: nineteen.npz"):
        get_weights(VGG19, CHOSEN, "nineteen.npz")


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("kind", ["garbage", "empty", "zip", "cut", "array"])
def test_files_that_hold_something_else(tmp_path, weights, write_npz, suffix, kind):
    path = tmp_path / f"w{suffix}"
    if kind == "cut":
        (write_npz if suffix == ".npz" else write_legacy_h5)(path, weights)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        contents = {"garbage": b"no weights at all" * 9, "empty": b"", "zip": b"PK\3\4" + b"x" * 99}
        path.write_bytes(contents[kind])
    with pytest.raises(UserError, match="cannot read VGG16 weights from .*: .*Expected a .npz"):
        read_weights(path)


def test_files_without_a_layer_of_vgg16(tmp_path):
    np.savez(tmp_path / "w.npz", other=np.zeros(3))
    with pytest.raises(UserError, match="w.npz holds no layer of VGG16"):
        read_weights(tmp_path / "w.npz")
    write_legacy_h5(tmp_path / "legacy.h5", {})
    with pytest.raises(UserError, match="legacy.h5 holds no layer of VGG16"):
        read_weights(tmp_path / "legacy.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["layers"] = np.zeros(3)
    with pytest.raises(UserError, match="other.h5 holds no layer of VGG16"):
        read_weights(tmp_path / "other.h5")


def test_a_legacy_layer_without_its_bias(tmp_path, weights):
    path = write_legacy_h5(tmp_path / "w.h5", weights)
    with h5py.File(path, "a") as file:
        names = np.array(["block1_conv1_W_1:0"], dtype="S")
        file["block1_conv1"].attrs["weight_names"] = names
    with pytest.raises(UserError, match="block1_conv1 has 1 arrays, not a kernel and a bias"):
        vgg_weights.read_weights(path)
