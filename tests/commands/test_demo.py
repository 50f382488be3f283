"""The demonstration, in the small: every picture that it names is there."""

import json
import pathlib

import numpy as np
import pytest
from keras import ops
from PIL import Image

from cin_style.commands import demo
from cin_style.errors import UserError
from cin_style.losses import vgg
from cin_style.networks import storage
from cin_style.networks.bundled import DEFAULT_MODEL


def test_pictures_blends_training_and_a_new_style(tiny_network, style_folder, tmp_path):
    network = tiny_network.append(["dogwood"], tiny_network.get_style_embeddings()[:1] + 0.1)
    network.loss_options = {"style_layers": "block1_conv2", "style_size": 32}
    storage.save(network, tmp_path / "four.keras")
    # Its own names, so that adding one of them does not clash with the network's.
    for number, path in enumerate(sorted(style_folder.glob("*.png"))):
        (tmp_path / "styles").mkdir(exist_ok=True)
        (tmp_path / "styles" / f"new_{number}.png").write_bytes(path.read_bytes())
    output = tmp_path / "demo"
    for _ in range(2):  # once more over the first: each demonstration trains anew
        demo.run(output, tmp_path / "four.keras", train_on=tmp_path / "styles", steps=1)
    for photo in demo.SAMPLES:
        for style in network.styles:
            assert (output / f"{photo}_{style.name}.jpg").is_file()
    assert Image.open(output / "sheet.jpg").width > 5 * 256
    assert Image.open(output / "blends.jpg").width > 5 * 256
    assert (output / "training" / "previews" / "step_000001.jpg").is_file()
    assert (output / "chelsea_new_2.jpg").is_file()
    added = storage.load(output / "finetuning" / "model.keras").styles[-1]
    assert added.name == "new_2"


def test_the_network_in_the_package():
    network = storage.load(DEFAULT_MODEL)
    assert network.num_styles == 32
    assert network.count_params() == 1_674_432 + 32 * 3_206
    assert all(style.image_size for style in network.styles)
    assert storage.bundled()[DEFAULT_MODEL].stat().st_size < 4e6
    for variable in network.weights:
        weights = ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(weights, weights.astype("float16"))


def test_its_styles_are_those_of_the_catalogue():
    catalogue = pathlib.Path(__file__).parent.parent / "styles" / "paintings.json"
    entries = json.loads(catalogue.read_text(encoding="utf-8"))
    styles = {style.name: style for style in storage.load(DEFAULT_MODEL).styles}
    assert sorted(styles) == [entry["name"] for entry in entries]
    for entry in entries:
        del entry["file"]
        remembered = styles[entry["name"]].to_dict()
        del remembered["image_size"]
        assert remembered == {"weight": 1.0} | entry


def test_weights_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv(vgg.VGG16.VARIABLE, raising=False)
    assert vgg.VGG16.at_hand() is None
    cached = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    cached.parent.mkdir()
    cached.touch()
    assert pathlib.Path(vgg.VGG16.at_hand()) == cached
    monkeypatch.setenv(vgg.VGG16.VARIABLE, "given.npz")
    assert vgg.VGG16.at_hand() == "given.npz"


def test_an_output_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to the output folder"):
        demo.run(tmp_path / "file")
