"""Presets are recipes that can be carried out, and come with the package."""

import subprocess
import sys

import pytest

from cin_style.errors import UserError
from cin_style.losses import terms
from cin_style.networks import storage
from cin_style.networks.bundled import bundled
from cin_style.training.preset_files import PRESETS, parse, preset
from cin_style.training.recipes import TrainRecipe


def test_lines_become_values_of_their_fields():
    text = """
    # A comment, and an empty line.

    --steps=30
    --style_weight=3e-4
    --style_layers=block1_conv2=1,block2_conv2
    --half
    --no-palette_start
    """
    assert parse(text) == {
        "steps": 30,
        "style_weight": 3e-4,
        "style_layers": "block1_conv2=1,block2_conv2",
        "half": True,
        "palette_start": False,
    }


@pytest.mark.parametrize(
    "line",
    [
        "--stepps=30",
        "--steps=many",
        "--steps",
        "--no-steps",
        "--half=maybe",
        "--steps 30",
        "// steps",
        "steps=30",
    ],
)
def test_a_line_that_is_no_option(line):
    with pytest.raises(UserError, match=f"cannot read the line '{line}' of a preset"):
        parse(f"--seed=1\n{line}\n")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_recipe_that_options_change(name):
    recipe = TrainRecipe(**preset(name) | {"styles": "s", "content": "c", "steps": 7})
    assert recipe.steps == 7
    assert recipe.image_size == preset(name)["image_size"]
    assert recipe.init_from in ("", *bundled())


def test_an_unknown_preset():
    with pytest.raises(UserError, match="`preset` must be one of quick, good, paper. Received: no"):
        preset("no")


def test_quick_and_good_have_the_losses_of_the_network_in_the_package():
    network = storage.load("varied32")
    recipes = [TrainRecipe(**preset(name)) for name in ("quick", "good")]
    known = dict(network.loss_options)
    for recipe in recipes:
        assert {name: getattr(recipe, name) for name in known} == known
        assert recipe.grain == network.grain
        assert recipe.half
    assert recipes[0].upsampling == network.upsampling


def test_paper_is_the_paper():
    recipe = TrainRecipe(**preset("paper"))
    assert recipe.style_layers.count("=1e-4") == 4 and "block4_conv3" in recipe.style_layers
    assert recipe.vgg_weights == "imagenet"
    assert not recipe.palette_start and recipe.style_rate == 1
    assert not terms.of(recipe) and recipe.gram_normalization == 0
    assert (recipe.steps, recipe.batch_size, recipe.image_size) == (40_000, 16, 256)


def test_reading_one_does_not_load_keras():
    code = "import sys; from cin_style.training.preset_files import preset; preset('quick'); "
    code += "assert 'keras' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
