"""The network: its size, its shapes, its file."""

import zipfile

import keras
import numpy as np
import pytest
from keras import ops

from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.styles.style import Style

RNG = np.random.default_rng(2)


@pytest.fixture(scope="module")
def network():
    """The paper's network with three styles and random embeddings."""
    network = StyleTransferNetwork(["a", "b", {"name": "c", "title": "Sea", "artist": "Anon"}])
    network.set_style_embeddings(RNG.normal(1, 0.3, (3, 3206)))
    return network


def test_parameter_count(network):
    assert network.count_params() == 1_674_432 + 3 * 3_206
    assert sum(np.prod(conv.kernel.shape) for conv in network.convolutions) == 1_674_432
    assert len(network.convolutions) == 16
    assert len(network.normalizations) == 16


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(16, 16), (17, 19), (33, 50), (64, 18)])
def test_output_has_the_size_of_the_input(size, upsampling):
    network = StyleTransferNetwork(["a", "b", "c"], (4, 6, 8), 1, upsampling)
    images = RNG.uniform(size=(2, *size, 3)).astype("float32")
    rows = np.float32([[1, 0, 0], [0.2, 0.3, 0.5]])
    result = ops.convert_to_numpy(network([images, rows]))
    assert result.shape == images.shape
    assert result.dtype == np.float32
    assert 0 <= result.min() < result.max() <= 1


def test_each_example_has_its_own_style(network):
    image = RNG.uniform(size=(1, 24, 24, 3)).astype("float32")
    batch = np.repeat(image, 3, axis=0)
    together = ops.convert_to_numpy(network([batch, np.eye(3, dtype="float32")]))
    for index in range(3):
        alone = ops.convert_to_numpy(network([image, np.eye(3, dtype="float32")[[index]]]))
        np.testing.assert_allclose(together[index], alone[0], atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_bilinear_upsampling(tmp_path):
    nearest = StyleTransferNetwork(["a"], (4, 6, 8), 1)
    network = StyleTransferNetwork(["a"], (4, 6, 8), 1, upsampling="bilinear")
    network.copy_convolutions(nearest)
    batch = [RNG.uniform(size=(1, 20, 28, 3)).astype("float32"), np.ones((1, 1), "float32")]
    layers = [network.get_layer("residual_1_add").output, network.get_layer("expand_1_conv").input]
    small, large = keras.Model(network.inputs, layers)(batch)
    assert small.shape == (1, 5, 7, 8)
    expected = ops.image.resize(small, (10, 14), interpolation="bilinear")
    expected = ops.pad(expected, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    np.testing.assert_allclose(large, expected, atol=1e-5)

    storage.save(network, tmp_path / "model.keras")
    loaded = storage.load(tmp_path / "model.keras")
    assert loaded.upsampling == network.with_styles(["b"]).upsampling == "bilinear"
    np.testing.assert_array_equal(loaded.predict_on_batch(batch), network.predict_on_batch(batch))
    assert network.fingerprint == loaded.fingerprint != nearest.fingerprint
    with pytest.raises(ValueError, match="must be nearest or bilinear"):
        StyleTransferNetwork(["a"], upsampling="cubic")


def test_too_small_an_image_is_refused(network):
    with pytest.raises(UserError, match="the image is too small"):
        network([np.zeros((1, 4, 40, 3), "float32"), np.eye(3, dtype="float32")[:1]])


def test_save_and_load(network, tmp_path):
    path = tmp_path / "model.keras"
    storage.save(network, path)
    loaded = storage.load(path)
    batch = [RNG.uniform(size=(3, 20, 20, 3)).astype("float32"), np.eye(3, dtype="float32")]
    np.testing.assert_array_equal(loaded.predict_on_batch(batch), network.predict_on_batch(batch))
    assert loaded.styles == network.styles
    assert loaded.styles[2].artist == "Anon"
    assert [file for file in tmp_path.iterdir()] == [path]


def test_loads_in_keras_safe_mode_by_itself(network, tmp_path):
    storage.save(network, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert isinstance(loaded, StyleTransferNetwork)


def test_half_the_size(network, tmp_path):
    storage.save(network, tmp_path / "half.keras", half=True)
    assert (tmp_path / "half.keras").stat().st_size < 4e6
    loaded = storage.load(tmp_path / "half.keras")
    assert loaded.stored_half and not network.stored_half
    # What is made of it is stored like it, unless asked for otherwise.
    storage.save(loaded.rename("a", "other"), tmp_path / "again.keras")
    assert (tmp_path / "again.keras").stat().st_size < 4e6
    storage.save(loaded, tmp_path / "whole.keras", half=False)
    assert (tmp_path / "whole.keras").stat().st_size > 6e6
    assert not storage.load(tmp_path / "whole.keras").stored_half
    for mine, theirs in zip(network.weights, loaded.weights, strict=True):
        rounded = ops.convert_to_numpy(mine).astype("float16").astype("float32")
        np.testing.assert_array_equal(rounded, ops.convert_to_numpy(theirs))


def test_trained_in_mixed_precision_loads_in_float32(tmp_path):
    network = StyleTransferNetwork(["a"], (4, 6), 1, dtype="mixed_bfloat16")
    storage.save(network, tmp_path / "model.keras")
    loaded = storage.load(tmp_path / "model.keras")
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}


def test_embeddings_round_trip(network):
    embeddings = network.get_style_embeddings()
    assert embeddings.shape == (3, 3206)
    assert embeddings.dtype == np.float32
    first = network.normalizations[0]
    np.testing.assert_array_equal(embeddings[:, :32], ops.convert_to_numpy(first.gamma))
    np.testing.assert_array_equal(embeddings[:, 32:64], ops.convert_to_numpy(first.beta))
    other = network.with_styles(["x", "y", "z"], embeddings)
    np.testing.assert_array_equal(other.get_style_embeddings(), embeddings)
    with pytest.raises(ValueError, match=r"shape \(3, 3206\)\. Received: \(2, 3206\)"):
        network.set_style_embeddings(embeddings[:2])


def test_two_styles_of_one_name_are_refused():
    with pytest.raises(UserError, match="two styles are named a"):
        StyleTransferNetwork(["a", "b", "a"])
    with pytest.raises(UserError, match="at least one"):
        StyleTransferNetwork([])


def test_a_style_is_found_by_name_and_number(network):
    assert network.find_style("c") == network.find_style(2) == network.find_style("2") == 2
    with pytest.raises(UserError, match="no style number 3: .* 0 to 2"):
        network.find_style(3)
    assert isinstance(network.styles[0], Style)


def test_bad_model_files_are_refused(network, tmp_path):
    good = tmp_path / "good.keras"
    storage.save(network, good)
    cut = tmp_path / "cut.keras"
    cut.write_bytes(good.read_bytes()[:-5000])
    with pytest.raises(UserError, match="is not a model file, or is cut short"):
        storage.load(cut)
    with pytest.raises(UserError, match="no such model file"):
        storage.load(tmp_path / "missing.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(UserError, match="holds a Sequential, not a StyleTransferNetwork"):
        storage.load(tmp_path / "other.keras")
    flipped = bytearray(good.read_bytes())
    flipped[len(flipped) // 2] ^= 255
    (tmp_path / "flipped.keras").write_bytes(flipped)
    with pytest.raises(UserError, match="is damaged at model.weights.h5"):
        storage.load(tmp_path / "flipped.keras")
    with pytest.raises(UserError, match="must end in .keras"):
        storage.save(network, tmp_path / "model.h5")


def test_the_file_holds_no_loss_network(network, tmp_path):
    storage.save(network, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"VGG16" not in archive.read("config.json")
        assert sum(entry.file_size for entry in archive.infolist()) < 7.2e6


def test_painting_graph(network):
    """Select and modulate, with the embeddings from outside, is what the trained layers do."""
    images = RNG.uniform(size=(2, 20, 24, 3)).astype("float32")
    rows = np.float32([[0.2, 0.3, 0.5], [0, 1, 0]])
    expected = ops.convert_to_numpy(network([images, rows]))
    embeddings = np.repeat(network.get_style_embeddings()[None], 2, axis=0)
    graph = network.painting_graph()
    np.testing.assert_allclose(graph([images, embeddings, rows]), expected, atol=1e-5)
    # Other styles than the network has, and another number of them for each example.
    blended = np.einsum("bk,bke->be", rows, embeddings)[:, None]
    ones = np.ones((2, 1), "float32")
    np.testing.assert_allclose(graph([images, blended, ones]), expected, atol=1e-4)
    maps = np.broadcast_to(rows[:, None, None], (2, 20, 24, 3)).astype("float32")
    by_map = network.painting_graph(3)([images, embeddings, maps])
    np.testing.assert_allclose(by_map, expected, atol=1e-5)
    assert [layer.kernel for layer in graph.layers if hasattr(layer, "kernel")] == [
        layer.kernel for layer in network.convolutions
    ]
