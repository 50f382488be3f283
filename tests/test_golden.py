"""Files and pictures of earlier versions: they load unchanged, and look the same."""

import importlib.util
import json
import pathlib
import shutil
import zipfile

import keras
import numpy as np
import pytest

from cin_style import StyleCard, Stylizer, finetune, images, load
from cin_style.commands import main, options
from cin_style.errors import UserError
from cin_style.networks.cards import import_cards
from cin_style.painting import stylizer as stylizer_module
from cin_style.training.recipes import TrainRecipe

FOLDER = pathlib.Path(__file__).parent / "golden"


def script(name):
    """The module that made a golden."""
    spec = importlib.util.spec_from_file_location(f"golden_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_network_of_the_version_before(monkeypatch):
    monkeypatch.setattr(stylizer_module, "MARGIN", 16)  # of then; see `training.recipes.margin_of`
    network = load(FOLDER / "network_0_1_0.keras")
    assert [style.name for style in network.styles] == ["ash", "birch", "cedar"]
    assert network.styles[0].artist == "A. Painter"
    assert (network.upsampling, network.grain) == ("bilinear", 0.02)
    assert network.loss_options == {"padding": "reflect", "style_weight": 3e-4}
    golden = np.load(FOLDER / "network_0_1_0.npz")
    stylizer, photo = Stylizer(network), golden["photo"]
    np.testing.assert_allclose(stylizer(photo, "ash"), golden["ash"], atol=1e-5)
    blend = stylizer(photo, {"ash": 0.25, "cedar": 0.75})
    np.testing.assert_allclose(blend, golden["blend"], atol=1e-5)
    plain = keras.ops.convert_to_numpy(network([photo[None], np.eye(3, dtype="float32")[1:2]]))
    np.testing.assert_allclose(plain[0], golden["plain"], atol=1e-5)


def test_the_network_in_the_package_paints_as_before():
    golden = script("varied32")
    expected, painted = images.load(golden.FILE), images.from_uint8(golden.paint())
    difference = np.abs(painted - expected) * 255
    # Another processor or backend may round to the next of 256 values.
    assert difference.max() <= 2
    assert difference.mean() == pytest.approx(0, abs=0.1)


# === Formats ===

FORMATS = FOLDER / "formats_1"


def test_a_network_and_a_card_of_format_1():
    network, card = load(FORMATS / "network.keras"), StyleCard.load(FORMATS / "a.style.npz")
    assert (network.styles[0].title, network.grain, network.origin) == ("Ash", 0.02, "network")
    assert card.network.startswith("golden, cin_style 0.2")
    both = import_cards(network.with_styles(["b"]), [card])
    np.testing.assert_array_equal(both.get_style_embedding("a"), network.get_style_embedding("a"))


def test_arguments_of_version_0_2(monkeypatch):
    monkeypatch.setenv("GOLDEN_PHOTOS", "photos")
    line = ["cin-style", "train", f"--flagfile={FORMATS / 'recipe.txt'}", "--output", "run"]
    recipe = options.recipe(main.parse(line), TrainRecipe)
    assert (recipe.content, recipe.steps, recipe.batch_size) == ("photos", 2000, 8)
    assert recipe.style_layers == "block1_conv2,block2_conv2=2,block3_conv3/2"


@pytest.mark.parametrize("run", ["begun", "finished"])
def test_a_run_of_format_1_goes_on(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    golden, images_of_runs = script("formats"), pathlib.Path("golden_images")
    golden.make_images(images_of_runs)
    shutil.copytree(FORMATS / run, run)
    base = load(FORMATS / "network.keras")
    network = finetune(golden.finetuning(base, images_of_runs), run, network=base)
    assert [style.name for style in network.styles] == ["a", "b"]
    # The same recipe with another number is another run.
    with pytest.raises(UserError, match="holds a run with `learning_rate`=0.01, not 0.02"):
        finetune(golden.finetuning(base, images_of_runs, learning_rate=0.02), run, network=base)


NEWER = "has the format 2; this version of cin_style reads 1. Update cin_style"


def test_a_network_of_a_newer_format(tmp_path):
    path = tmp_path / "newer.keras"
    with zipfile.ZipFile(FORMATS / "network.keras") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "config.json":
                config = json.loads(data)
                config["config"]["format"] = 2
                data = json.dumps(config)
            new.writestr(entry, data)
    with pytest.raises(UserError, match=NEWER):
        load(path)


def test_a_run_of_a_newer_format(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    golden, images_of_runs = script("formats"), pathlib.Path("golden_images")
    golden.make_images(images_of_runs)
    shutil.copytree(FORMATS / "begun", "begun")
    record = json.loads(pathlib.Path("begun/run.json").read_text())
    pathlib.Path("begun/run.json").write_text(json.dumps(record | {"format": 2}))
    base = load(FORMATS / "network.keras")
    with pytest.raises(UserError, match=NEWER):
        finetune(golden.finetuning(base, images_of_runs), "begun", network=base)
