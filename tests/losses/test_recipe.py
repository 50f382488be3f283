"""The recipe of a loss: layers are checked when it is made, and need no Keras to be read."""

import subprocess
import sys

import pytest

from cin_style.errors import UserError
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.losses.recipe import LossRecipe, layers_to_see, parse_layers, split_layer

BAD_LAYERS = [
    ("a=x", "the weight of layer a must be a number of at least 0. Received: x"),
    ("b,a = -1", "the weight of layer a must be a number of at least 0. Received: -1"),
    ("a=nan", "the weight of layer a must be a number of at least 0. Received: nan"),
    ("a=inf", "the weight of layer a must be a number of at least 0. Received: inf"),
    ("a/3", "or as a/2 in the picture at half its size. Received: a/3"),
    ("a/=1", "or as a/2 in the picture at half its size. Received: a/"),
    ("a,=3", "a layer has no name. Give name.=weight., with commas between. Received: ''"),
    ("/2", "a layer has no name. Give name.=weight., with commas between. Received: '/2'"),
]


def test_layers_with_and_without_weights():
    text = " block1_conv2, block3_conv1 = 3e-4 ,block2_conv2/2=0,"
    layers = {"block1_conv2": 2.0, "block3_conv1": 3e-4, "block2_conv2/2": 0.0}
    assert parse_layers(text, 2) == layers
    assert parse_layers("", 2) == {}
    assert [split_layer(layer) for layer in layers] == [
        ("block1_conv2", 1),
        ("block3_conv1", 1),
        ("block2_conv2", 2),
    ]
    assert layers_to_see(layers) == ["block1_conv2", "block3_conv1", "block2_conv2"]


@pytest.mark.parametrize(("text", "message"), BAD_LAYERS)
def test_layers_that_cannot_be_read(text, message):
    with pytest.raises(UserError, match=message):
        parse_layers(text, 1.0)


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
@pytest.mark.parametrize(("text", "message"), BAD_LAYERS)
def test_a_recipe_reads_its_layers_when_it_is_made(name, text, message):
    with pytest.raises(UserError, match=f"^`{name}`: .*{message}"):
        LossRecipe(**{name: text})


def test_layers_that_are_left_open_are_not_read():
    recipe = EvaluateRecipe(content_layers="block1_conv2")
    assert recipe.style_layers is None
    with pytest.raises(UserError, match="^`style_layers`: the weight of layer a"):
        recipe.replace(style_layers="a=many")


def test_reading_layers_does_not_load_keras():
    code = "import sys; from cin_style.losses.recipe import parse_layers; parse_layers('a', 1); "
    code += "assert 'keras' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
