"""The demonstration, in the small: every picture that it names is there."""

import json

import pytest
from PIL import Image

from cin_style.commands import demo
from cin_style.errors import UserError
from cin_style.images.samples import SAMPLES
from cin_style.networks import storage

SMALL = {
    "steps": 1,
    "batch_size": 1,
    "image_size": 32,
    "style_size": 32,
    "content_layers": "block1_conv2",
    "style_layers": "block1_conv2",
}


def test_pictures_blends_training_and_a_new_style(tiny_network, style_folder, tmp_path):
    network = tiny_network.append(["dogwood"], tiny_network.get_style_embeddings()[:1] + 0.1)
    network.loss_options = {"style_layers": "block1_conv2", "style_size": 32}
    storage.save(network, tmp_path / "four.keras")
    # Its own names, so that adding one of them does not clash with the network's.
    for number, path in enumerate(sorted(style_folder.glob("*.png"))):
        (tmp_path / "styles").mkdir(exist_ok=True)
        (tmp_path / "styles" / f"new_{number}.png").write_bytes(path.read_bytes())
    output = tmp_path / "demo"
    # Of an earlier demonstration: each trains anew.
    (output / "training" / "previews").mkdir(parents=True)
    (output / "training" / "run.json").write_text("{}")
    (output / "training" / "model.keras").write_text("not this one")
    demo.demonstrate(output, tmp_path / "four.keras", tmp_path / "styles", **SMALL)
    for photo in SAMPLES:
        for style in network.styles:
            assert (output / "painted" / f"{photo}_{style.name}.jpg").is_file()
    assert Image.open(output / "sheet.jpg").width > 5 * 256
    assert Image.open(output / "blends.jpg").width > 5 * 256
    assert (output / "training" / "previews" / "step_000001.jpg").is_file()
    assert (output / "chelsea_new_2.jpg").is_file()
    assert (output / "finetuning" / "before_after.jpg").is_file()
    added = json.loads((output / "finetuning" / "run.json").read_text())
    assert added["recipe"]["content"] == "" and added["recipe"]["init"] == "nearest"
    added = storage.load(output / "finetuning" / "model.keras").styles[-1]
    assert added.name == "new_2"


def test_an_output_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to the output folder"):
        demo.demonstrate(tmp_path / "file")
