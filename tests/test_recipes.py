"""Recipes check themselves when they are made, whoever makes them."""

import dataclasses
import pathlib

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.evaluation.recipe import EvaluateRecipe
from cin_style.losses import recipe as loss_recipes
from cin_style.losses.recipe import LossRecipe, complete, remember
from cin_style.painting.recipes import BlendRecipe, OptimizeRecipe, StylizeRecipe
from cin_style.training.recipes import FinetuneRecipe, TrainRecipe

ALL = [TrainRecipe, FinetuneRecipe, EvaluateRecipe, OptimizeRecipe, StylizeRecipe, BlendRecipe]


@pytest.mark.parametrize("recipe_class", ALL, ids=lambda kind: kind.__name__)
def test_defaults_are_allowed_and_every_field_says_what_it_is(recipe_class):
    recipe = recipe_class()
    for field in dataclasses.fields(recipe):
        assert len(field.metadata["help"]) > 5
        assert getattr(recipe, field.name) == field.default


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "`steps` must be at least 1. Received: 0"),
        ({"steps": "x"}, "`steps` must be a whole number. Received: 'x'"),
        ({"steps": 1.5}, "`steps` must be a whole number"),
        ({"steps": True}, "`steps` must be a whole number"),
        ({"steps": None}, "`steps` must be a whole number. Received: None"),
        ({"image_size": 8}, "`image_size` must be from 16 to 8192"),
        ({"learning_rate": -1.0}, "`learning_rate` must be positive"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be positive"),
        ({"learning_rate": "fast"}, "`learning_rate` must be a number"),
        ({"decay": 1.5}, "`decay` must be from 0 to 1"),
        ({"grain": -0.1}, "`grain` must be at least 0"),
        ({"total_variation_exponent": 3.0}, "`total_variation_exponent` must be from 1 to 2"),
        ({"ema": 1.0}, "`ema` must be at least 0 and below 1"),
        ({"padding": "none"}, "`padding` must be one of zeros, reflect"),
        ({"half": 1}, "`half` must be True or False"),
        ({"styles": 3}, "`styles` must be a text"),
        ({"activation_penalty": float("inf")}, "`activation_penalty` must be at least 0"),
    ],
)
def test_a_bad_value_is_refused_by_name(change, message):
    with pytest.raises(UserError, match=message):
        TrainRecipe(**change)
    with pytest.raises(UserError, match=message):
        TrainRecipe().replace(**change)


@pytest.mark.parametrize(
    ("recipe_class", "fields", "message"),
    [
        (BlendRecipe, {"mask": "m.png", "steps": 3}, "only one of `mask`, `across` and `steps`"),
        (BlendRecipe, {"soften": 2.0}, "`soften` is for the edges of a `mask`"),
        (OptimizeRecipe, {"iterations": 1, "stages": 2}, "`iterations` must be at least `stages`"),
        (TrainRecipe, {"image_size": 64, "margin": 25}, "`margin` must leave 16 px or more of"),
        (StylizeRecipe, {"stroke_size": 0.2}, "`stroke_size` must be from 0.25 to 8, or 0"),
        (FinetuneRecipe, {"styles": [1]}, "`styles` must be a list of texts. Received: .1."),
    ],
)
def test_fields_that_do_not_go_together(recipe_class, fields, message):
    with pytest.raises(UserError, match=message):
        recipe_class(**fields)


def test_values_become_those_of_the_field():
    recipe = TrainRecipe(learning_rate=1, steps=np.int64(3), styles=pathlib.Path("a/b"))
    assert (recipe.learning_rate, recipe.steps, recipe.styles) == (1.0, 3, "a/b")
    assert type(recipe.learning_rate) is float and type(recipe.steps) is int
    assert FinetuneRecipe(styles=["a", pathlib.Path("b")]).styles == ("a", "b")
    with pytest.raises(UserError, match="`styles` must be a list"):
        FinetuneRecipe(styles="a")
    assert EvaluateRecipe(style_size=0).style_size == 0
    with pytest.raises(UserError, match="`style_size` must be at least 16 px"):
        EvaluateRecipe(style_size=3)
    assert BlendRecipe(steps=None, max_side=None).steps is None
    with pytest.raises(UserError, match="`max_side` must be at least 16 px"):
        StylizeRecipe(max_side=15)
    with pytest.raises(TypeError):
        TrainRecipe(nonsense=1)


def test_the_loss_is_as_the_network_was_trained_unless_given():
    trained = TrainRecipe(gram_normalization=1, padding="reflect", blockiness_weight=6e7)
    options = remember(trained)
    assert set(options) == set(loss_recipes.REMEMBERED)
    assert not {"vgg_weights", "precision", "steps", "activation_penalty"} & set(options)
    recipe = complete(FinetuneRecipe(padding="zeros"), options)
    assert (recipe.gram_normalization, recipe.padding) == (1.0, "zeros")
    assert recipe.blockiness_weight == 6e7
    # A file may hold anything, and a network of before an option existed has not all.
    recipe = complete(EvaluateRecipe(), {"pooling": 3, "style_weight": 2e-4})
    assert (recipe.pooling, recipe.style_weight) == ("avg", 2e-4)
    assert recipe.style_size == 0  # each style remembers that of its own image
    defaults = LossRecipe()
    for name in set(loss_recipes.REMEMBERED) - {"style_weight", "style_size"}:
        assert getattr(recipe, name) == getattr(defaults, name)
