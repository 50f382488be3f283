"""Every runtime paints what Keras paints; those that are not installed are skipped."""

import threading

import keras
import numpy as np
import pytest

from cin_style import Stylizer, images
from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.networks.frozen import FrozenNetwork
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.runtimes import choice
from cin_style.runtimes.keras_runtime import KerasRuntime

SIZES = [(16, 16), (37, 52), (20, 61)]


@pytest.fixture(params=["onnx", "openvino"])
def runtime(request):
    if not choice.is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def make_network(upsampling, widths=(4, 6, 8), residual_blocks=1):
    keras.utils.set_random_seed(3)
    network = StyleTransferNetwork(
        ["ash", "birch", "cedar"], widths, residual_blocks, upsampling, grain=0.02
    )
    for layer in network.convolutions:
        layer.kernel.assign(20 * layer.kernel)
    embeddings = network.get_style_embeddings()
    noise = np.random.default_rng(7).normal(0, 0.5, embeddings.shape)
    network.set_style_embeddings(embeddings + noise)
    return network


@pytest.mark.parametrize(
    "upsampling, widths, blocks",
    [("nearest", (4, 6, 8), 1), ("bilinear", (4, 6, 8), 2), ("bilinear", (4, 6), 1)],
)
def test_the_same_pictures_as_keras(runtime, upsampling, widths, blocks):
    network, rng = make_network(upsampling, widths, blocks), np.random.default_rng(0)
    ours, theirs = KerasRuntime(network), choice.make(FrozenNetwork.of(network), runtime)
    table = network.get_style_embeddings()
    for height, width in SIZES:
        photos = rng.random((2, height, width, 3), "float32")
        embeddings = np.stack([table[:2], table[1:]])
        weights = rng.random((2, 2), "float32")
        maps = rng.random((2, height, width, 2), "float32")
        for given in (weights, maps):
            expected = ours(photos, embeddings, given)
            painted = theirs(photos, embeddings, given)
            assert painted.dtype == np.float32 and expected.std() > 0.01
            np.testing.assert_allclose(painted, expected, atol=1e-4)


def test_a_frozen_network_is_the_network(tiny_network, tmp_path):
    path = tmp_path / "tiny.keras"
    storage.save(tiny_network, path)
    frozen = FrozenNetwork.load(path)
    assert frozen.styles == tiny_network.styles
    assert frozen.fingerprint == tiny_network.fingerprint
    np.testing.assert_array_equal(
        frozen.get_style_embeddings(), tiny_network.get_style_embeddings()
    )
    again = storage.thaw(frozen.select(["cedar", "ash"]))
    assert [style.name for style in again.styles] == ["cedar", "ash"]
    np.testing.assert_array_equal(
        again.get_style_embeddings(), tiny_network.get_style_embeddings()[[2, 0]]
    )
    plain = frozen.with_styles(["new"])
    np.testing.assert_array_equal(
        plain.get_style_embeddings(), tiny_network.with_styles(["new"]).get_style_embeddings()
    )


def test_the_stylizer_paints_alike(runtime, make_photo, tmp_path):
    path = tmp_path / "mine.keras"
    network = make_network("bilinear")
    storage.save(network, path)
    photo = images.from_uint8(make_photo(50, 40, 1))
    expected = Stylizer(network)
    stylizer = Stylizer(path, runtime=runtime)
    assert stylizer.runtime == runtime and expected.runtime == "keras"
    maps = np.random.default_rng(0).random((40, 50, 3), "float32")
    for styles in ("ash", {"ash": 0.3, "cedar": 0.7}, ["birch", "ash"], maps):
        np.testing.assert_allclose(stylizer(photo, styles), expected(photo, styles), atol=1e-4)
    np.testing.assert_allclose(
        stylizer(photo, "ash", stroke_size=1, tile=64),
        expected(photo, "ash", stroke_size=1, tile=64),
        atol=1e-4,
    )
    found = {}

    def paint(name):
        found[name] = stylizer(photo, name)

    threads = [threading.Thread(target=paint, args=[name]) for name in stylizer.styles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, picture in found.items():
        np.testing.assert_allclose(picture, expected(photo, name), atol=1e-4)


def test_what_auto_chooses(tiny_network, tiny_model, monkeypatch):
    installed = {"onnx", "keras"}
    monkeypatch.setattr(choice, "is_installed", lambda runtime: runtime in installed)
    monkeypatch.setattr(choice, "has_accelerator", lambda: False)
    assert choice.choose("auto", tiny_network) == "keras"
    assert choice.choose("auto", tiny_model) == "onnx"
    installed.add("openvino")
    assert choice.choose("auto", tiny_model) == "openvino"
    monkeypatch.setattr(choice, "has_accelerator", lambda: True)
    assert choice.choose("auto", tiny_model) == "keras"
    installed.clear()
    with pytest.raises(UserError, match="nothing is installed that can paint"):
        choice.choose("auto", tiny_model)


def test_runtimes_that_are_not_there(monkeypatch):
    with pytest.raises(UserError, match="`runtime` must be one of auto, .* Received: magic"):
        choice.choose("magic")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"onnx needs onnxruntime and onnx: pip install cin_style"):
        choice.choose("onnx")
