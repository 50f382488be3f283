"""The objective that a recipe describes."""

import logging

_LOG = logging.getLogger("cin_style")


def make_objective(recipe, style_images, style_factors=None, activation_penalty=0.0):
    """The `StyleObjective` that a recipe of any kind describes, for these style images."""
    content = objectives.parse_layers(recipe.content_layers, recipe.content_weight)
    style = objectives.parse_layers(recipe.style_layers, recipe.style_weight)
    network = vgg.LOSS_NETWORKS[recipe.loss_network]
    weights = weights_of(recipe)
    if weights == "random":
        _LOG.warning(
            "the loss network has RANDOM weights: good for trying the machinery out, not for "
            f"pictures. Give {network.TITLE}'s weights with --vgg_weights for real use."
        )
    precision = hardware.resolve_precision(recipe.precision)
    loss_network = network(
        objectives.layers_to_see([*content, *style]),
        weights,
        recipe.pooling,
        precision,
        padding=recipe.padding,
    )
    return objectives.StyleObjective(
        loss_network,
        style_images,
        content_layers=content,
        style_layers=style,
        style_factors=style_factors,
        total_variation_weight=recipe.total_variation_weight,
        total_variation_exponent=recipe.total_variation_exponent,
        checkerboard_weight=recipe.checkerboard_weight,
        blockiness_weight=recipe.blockiness_weight,
        gram_normalization=recipe.gram_normalization,
        activation_penalty=activation_penalty,
    )


def weights_of(recipe):
    """Where the loss network's weights come from, by a recipe of any kind."""
    return recipe.vgg_weights or vgg.LOSS_NETWORKS[recipe.loss_network].default_weights()
