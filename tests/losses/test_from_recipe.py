"""from_recipe.py: the objective has what the recipe says."""

import logging

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.losses.from_recipe import make_objective, weights_of
from cin_style.losses.objective import REFERENCE_ENERGY
from cin_style.losses.recipe import LossRecipe
from cin_style.losses.vgg import VGG16, VGG19
from cin_style.training.recipes import TrainRecipe

PAINTINGS = np.random.default_rng(2).random((2, 16, 16, 3)).astype("float32")


def test_layers_weights_and_penalties():
    recipe = TrainRecipe(
        content_layers="block1_conv2",
        content_weight=3.0,
        style_layers="block1_conv1=5e-4,block1_conv2/2",
        style_weight=2e-4,
        gram_normalization=0.5,
        total_variation_weight=4.0,
        total_variation_exponent=2.0,
        activation_penalty=6.0,
        precision="float32",
        padding="reflect",
    )
    objective = make_objective(recipe, list(PAINTINGS), [1.0, 7.0])
    assert type(objective.loss_network) is VGG16
    assert "block1_conv1_pad" in [layer.name for layer in objective.loss_network.layers]
    assert objective.content_layers == {"block1_conv2": 3.0}
    assert objective.style_layers == {"block1_conv1": 5e-4, "block1_conv2/2": 2e-4}
    assert dict(objective.penalties) == {
        "total_variation": (4.0, {"exponent": 2.0}),
        "extreme_activations": (6.0, {}),
    }
    assert objective.needs_activations
    for layer, weight in objective.style_layers.items():
        scale = (REFERENCE_ENERGY / objective.energies[layer]) ** 0.5
        expected = weight * np.array([1.0, 7.0]) * scale
        np.testing.assert_allclose(np.asarray(objective.factors[layer]), expected, rtol=1e-5)


def test_the_default_recipe_needs_nothing_but_the_package():
    objective = make_objective(LossRecipe(), list(PAINTINGS))
    assert objective.term_names == ["content_loss", "style_loss"]
    kernel = objective.loss_network.get_layer("block3_conv3").kernel
    assert np.abs(np.asarray(kernel)).max() == pytest.approx(0.3915, rel=1e-3)  # not random


def test_the_other_loss_network(caplog):
    recipe = LossRecipe(
        loss_network="vgg19",
        vgg_weights="random",
        content_layers="block1_conv2",
        style_layers="block1_conv2",
    )
    with caplog.at_level(logging.WARNING, logger="cin_style"):
        objective = make_objective(recipe, list(PAINTINGS))
    assert type(objective.loss_network) is VGG19
    assert "RANDOM weights" in caplog.text and "`vgg_weights`" in caplog.text


def test_layers_deeper_than_the_package_has():
    with pytest.raises(UserError, match="the package lack the layer block4_conv1; they have"):
        make_objective(LossRecipe(style_layers="block4_conv3"), list(PAINTINGS))


def test_where_weights_come_from(monkeypatch):
    small, large = LossRecipe(), LossRecipe(loss_network="vgg19")
    assert (weights_of(small), weights_of(large)) == ("bundled", "imagenet")
    monkeypatch.setenv("CIN_STYLE_VGG_WEIGHTS", "sixteen.npz")
    monkeypatch.setenv("CIN_STYLE_VGG19_WEIGHTS", "nineteen.npz")
    assert (weights_of(small), weights_of(large)) == ("sixteen.npz", "nineteen.npz")
    assert weights_of(small.replace(vgg_weights="random")) == "random"
