"""The style predictor: images in, embeddings out; its file, and what is refused."""

import json
import zipfile

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style.errors import UserError
from cin_style.networks.cards import import_cards
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView

VIEW = StyleView(layers=("block1_conv2",), size=32)


@pytest.fixture(scope="module")
def predictor(tiny_network):
    keras.utils.set_random_seed(1)
    predictor = StylePredictor.of(tiny_network, VIEW)
    rng = np.random.default_rng(2)
    predictor.set_statistics(rng.normal(2, 0.5, (8, VIEW.num_statistics)))
    return predictor


@pytest.fixture(scope="module")
def painting(make_photo):
    return make_photo(60, 40, 3)


def test_paths_images_and_arrays_of_any_size(predictor, painting, tmp_path):
    path = tmp_path / "painting.png"
    Image.fromarray(painting).save(path)
    embedding = predictor.predict_embedding(path)
    assert embedding.dtype == np.float32 and embedding.shape == (predictor.embedding_size,)
    for same in (str(path), Image.fromarray(painting), painting, painting / 255.0):
        np.testing.assert_array_equal(predictor.predict_embedding(same), embedding)
    other = predictor.predict_embedding(255 - painting)
    assert np.abs(other - embedding).max() > 1e-3
    assert predictor.predict_embedding(painting[:16, :16]).shape == embedding.shape


def test_outputs_are_in_units_of_the_known_spread(predictor, tiny_network):
    known = tiny_network.get_style_embeddings()
    found = ops.convert_to_numpy(predictor.in_spreads(known))
    assert np.abs(found.mean(axis=0)).max() < 1e-3
    assert (found.std(axis=0) < 1.01).all() and np.median(found.std(axis=0)) > 0.99
    # Where all styles agree, so do predictions.
    alike = StyleTransferNetwork(["one", "two"], (4, 6, 8), 1)
    guess = StylePredictor.of(alike, VIEW)(np.ones((1, VIEW.num_statistics)))
    assert np.abs(ops.convert_to_numpy(guess)[0] - alike.get_style_embedding(0)).max() < 0.1


def test_a_file_predicts_as_the_predictor_did(predictor, painting, tmp_path):
    predictor.save(tmp_path / "any.npz")
    loaded = StylePredictor.load(tmp_path / "any.npz")
    assert loaded.view == VIEW and loaded.fingerprint == predictor.fingerprint
    np.testing.assert_allclose(
        loaded.predict_embedding(painting), predictor.predict_embedding(painting), atol=5e-3
    )
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "any.npz").read_bytes()


def test_the_usual_one_is_small(tmp_path):
    StylePredictor("0" * 64, 3206).save(tmp_path / "usual.npz")
    assert (tmp_path / "usual.npz").stat().st_size < 4e6


def test_a_predicted_style_is_a_style_card(predictor, painting, tiny_network):
    card = predictor.card(painting, {"name": "new", "artist": "N. N."})
    grown = import_cards(tiny_network, [card])
    assert grown.styles[-1].artist == "N. N."
    np.testing.assert_array_equal(grown.get_style_embedding("new"), card.embedding)


def test_it_belongs_to_one_network(predictor, tiny_network):
    predictor.check(tiny_network)
    predictor.check(tiny_network.select(["ash"]))
    other = StyleTransferNetwork(["one"], (4, 6, 8), 1)
    with pytest.raises(UserError, match="belongs to another network .*`train_predictor`") as error:
        predictor.check(other)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((40, 40, 3), 0.5), "is blank"),
        (np.random.default_rng(0).random((300, 5, 3)), "5 x 300 px"),
        ("no_such_file.jpg", "no_such_file.jpg: no such photo"),
        (np.arange(12), "uint8 or floats"),
    ],
)
def test_bad_images_are_refused_in_one_line(predictor, image, message):
    with pytest.raises(UserError, match=f"the style image.*{message}") as error:
        predictor.predict_embedding(image)
    assert "\n" not in str(error.value)


def test_what_is_no_image_is_refused(predictor, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(UserError, match="text.jpg is not an image"):
        predictor.predict_embedding(tmp_path / "text.jpg")


def rewritten(source, target, change):
    """A copy of a predictor's file with other entries."""
    with np.load(source) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(target, **arrays)


def newer(arrays):
    text = json.loads(arrays["predictor"].tobytes()) | {"format": 2}
    arrays["predictor"] = np.frombuffer(json.dumps(text).encode(), np.uint8)


def altered(arrays):
    arrays["kernel_0"] = arrays["kernel_0"] + np.float16(1)


def renamed(arrays):
    text = json.loads(arrays["predictor"].tobytes()) | {"fingerprint": "f" * 64}
    arrays["predictor"] = np.frombuffer(json.dumps(text).encode(), np.uint8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (newer, "has the format 2; .* Update"),
        (altered, "was altered after it was made"),
        (renamed, "was altered after it was made"),
        (lambda arrays: arrays.pop("kernel_1"), "was altered after it was made"),
        (lambda arrays: arrays.pop("seal"), "is no predictor, or is damaged"),
        (lambda arrays: arrays.update(more=np.zeros(2**23, "<f4")), "larger than a predictor"),
    ],
)
def test_bad_files_are_refused_in_one_line(predictor, tmp_path, change, message):
    predictor.save(tmp_path / "good.npz")
    rewritten(tmp_path / "good.npz", tmp_path / "bad.npz", change)
    with pytest.raises(UserError, match=message) as error:
        StylePredictor.load(tmp_path / "bad.npz")
    assert "\n" not in str(error.value) and "bad.npz" in str(error.value)


def test_damaged_and_missing_files_are_refused(predictor, tmp_path):
    path = tmp_path / "cut.npz"
    predictor.save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    for name, message in (("cut.npz", "is no predictor"), ("none.npz", "no such predictor")):
        with pytest.raises(UserError, match=message):
            StylePredictor.load(tmp_path / name)
    # A small file that unpacks to a large one.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("predictor.npy", bytes(2**25))
    with pytest.raises(UserError, match="unpacks to more"):
        StylePredictor.load(path)
    with pytest.raises(UserError, match="must end in .npz"):
        predictor.save(tmp_path / "predictor.keras")
