"""The objective against losses recomputed in float64 from the loss network's features."""

import numpy as np
import pytest
from keras import ops

from cin_style import losses
from cin_style.errors import UserError
from cin_style.losses import functional, terms
from cin_style.losses.objective import REFERENCE_ENERGY, StyleObjective
from cin_style.losses.vgg import VGG16
from cin_style.training.recipes import TrainRecipe

RNG = np.random.default_rng(3)
LAYERS = {"block1_conv2": 2.0, "block2_conv2": 0.5}


@pytest.fixture(scope="module")
def loss_network():
    """A shallow loss network with random weights."""
    return VGG16(LAYERS, "random")


@pytest.fixture(scope="module")
def style_images():
    """Three style images of different sizes and contrasts."""
    sizes = ((16, 20), (24, 16), (16, 16))
    return [
        (0.5 + scale * RNG.uniform(-0.5, 0.5, (*size, 3))).astype("float32")
        for size, scale in zip(sizes, (1, 0.5, 0.1), strict=True)
    ]


def features(loss_network, images):
    result = loss_network(np.asarray(images, "float32"))
    return {layer: ops.convert_to_numpy(value).astype("float64") for layer, value in result.items()}


def gram(feature):
    return np.einsum("yxi,yxj->ij", feature, feature) / (feature.shape[0] * feature.shape[1])


@pytest.mark.parametrize("normalization", [0.0, 0.5, 1.0])
def test_terms_equal_their_definition(loss_network, style_images, normalization):
    factors = [1.0, 3.0, 0.2]
    objective = StyleObjective(
        loss_network,
        style_images,
        content_layers={"block2_conv2": 0.7},
        style_layers=LAYERS,
        style_factors=factors,
        gram_normalization=normalization,
    )
    images, pastiches = RNG.uniform(size=(2, 2, 16, 16, 3)).astype("float32")
    ids = np.int32([2, 1])
    found = {k: ops.convert_to_numpy(v) for k, v in objective.terms(images, ids, pastiches).items()}

    before, after = features(loss_network, images), features(loss_network, pastiches)
    content = 0.7 * ((after["block2_conv2"] - before["block2_conv2"]) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(found["content_loss"], content, rtol=1e-4)
    for example, style in enumerate(ids):
        expected = 0.0
        for layer, weight in LAYERS.items():
            target = gram(features(loss_network, style_images[style][None])[layer][0])
            difference = gram(after[layer][example]) - target
            scale = (REFERENCE_ENERGY / (target**2).mean()) ** normalization
            expected += weight * factors[style] * scale * (difference**2).mean()
        np.testing.assert_allclose(found["style_loss"][example], expected, rtol=1e-4)
    assert list(found) == objective.term_names == ["content_loss", "style_loss"]


def test_a_margin_is_not_looked_at(loss_network, style_images):
    """Every entrance gives what it gives of pictures without their margin."""
    options = {
        "content_layers": LAYERS,
        "style_layers": LAYERS,
        "penalties": {"total_variation": (5.0, {"exponent": 1.5}), "blockiness": (3.0, {})},
    }
    whole = StyleObjective(loss_network, style_images, **options)
    inner = StyleObjective(loss_network, style_images, **options, margin=4)
    images, pastiches = RNG.uniform(size=(2, 2, 24, 24, 3)).astype("float32")
    cut = images[:, 4:-4, 4:-4], pastiches[:, 4:-4, 4:-4]
    ids = np.int32([2, 1])
    expected = whole.terms(cut[0], ids, cut[1])
    targets = inner.content_targets(images)
    for found in (
        inner.terms(images, ids, pastiches),
        inner.terms(images, ids, pastiches, targets=targets),
    ):
        assert list(found) == list(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-5)
    np.testing.assert_allclose(
        inner.style_losses_to_all(pastiches), whole.style_losses_to_all(cut[1]), rtol=1e-5
    )
    framed = pastiches.copy()
    framed[:, :, :4] = framed[:, -4:] = 1
    for name, value in inner.terms(images, ids, framed).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5)


# === Penalties ===


def test_penalties_equal_their_definition(loss_network, style_images):
    objective = StyleObjective(
        loss_network,
        style_images,
        content_layers=LAYERS,
        style_layers=LAYERS,
        penalties={
            "total_variation": (5.0, {"exponent": 1.5}),
            "checkerboard": (7.0, {}),
            "blockiness": (0.0, {}),
            "extreme_activations": (2.0, {}),
        },
    )
    assert objective.needs_activations
    pastiches = RNG.uniform(size=(2, 16, 16, 3)).astype("float32")
    activations = [RNG.normal(size=(2, 9, 9, 3)).astype("float32") ** 3 for _ in range(2)]
    found = objective.terms(pastiches, np.int32([0, 1]), pastiches, activations)
    assert list(found) == objective.term_names
    assert objective.term_names[2:] == ["total_variation", "checkerboard", "extreme_activations"]

    down = np.diff(pastiches, axis=1)[:, :, :-1].astype("float64")
    across = np.diff(pastiches, axis=2)[:, :-1]
    expected = 5 * ((down**2 + across**2 + 1e-4) ** 0.75).mean((1, 2, 3))
    np.testing.assert_allclose(found["total_variation"], expected, rtol=1e-4)
    expected = 7 * ops.convert_to_numpy(functional.checkerboard(pastiches))
    np.testing.assert_allclose(found["checkerboard"], expected, rtol=1e-4)
    z = [(x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True) for x in activations]
    expected = 2 * sum((np.maximum(abs(x) - 4, 0) ** 2).mean((1, 2, 3)) for x in z)
    np.testing.assert_allclose(found["extreme_activations"], expected, rtol=1e-3)
    assert expected.min() > 0
    # Where nothing of the network is shown, there is nothing to find.
    assert not ops.convert_to_numpy(objective.penalty_terms(pastiches)["extreme_activations"]).any()


def test_a_new_row_of_the_table_is_a_term_everywhere(loss_network, style_images, monkeypatch):
    """A term is its row and its function: neither the objective nor recipes list any."""

    def greenness(images, power=1.0):
        return ops.mean(images[..., 1] ** power, axis=(1, 2))

    row = terms.Penalty(
        "greenness",
        "greenness_weight",
        "weight of green",
        arguments={"power": ("greenness_power", terms.option(1.0, "of green", least=0))},
    )
    monkeypatch.setattr(terms, "PENALTIES", (*terms.PENALTIES, row))
    monkeypatch.setattr(functional, "greenness", greenness, raising=False)

    class Recipe:
        greenness_weight, greenness_power, blockiness_weight = 3.0, 2.0, 1.0

    assert list(dict.fromkeys(name for name, _, _ in terms.fields("pastiches")))[-2:] == [
        "greenness_weight",
        "greenness_power",
    ]
    objective = StyleObjective(
        loss_network,
        style_images,
        content_layers=LAYERS,
        style_layers=LAYERS,
        penalties=terms.of(Recipe),
    )
    assert objective.term_names == ["content_loss", "style_loss", "blockiness", "greenness"]
    assert not objective.needs_activations
    pastiches = RNG.uniform(size=(2, 16, 16, 3)).astype("float32")
    found = objective.terms(pastiches, np.int32([0, 1]), pastiches)
    expected = 3 * (pastiches[..., 1] ** 2).mean((1, 2))
    np.testing.assert_allclose(found["greenness"], expected, rtol=1e-5)


def test_an_unknown_penalty(loss_network, style_images):
    with pytest.raises(ValueError, match="`penalties` may be total_variation, .*Received.*mirth"):
        StyleObjective(loss_network, style_images, penalties={"mirth": (1.0, {})})


def test_every_penalty_has_its_public_function_and_its_field():
    for penalty in terms.PENALTIES:
        assert getattr(losses, penalty.name) is getattr(functional, penalty.name)
        recipe = TrainRecipe(**{penalty.weight: 2.0})
        given = {keyword: 1.0 for keyword in penalty.arguments}
        assert terms.of(recipe) == {penalty.name: (2.0, given)}
    assert terms.of(TrainRecipe()) == {}


def test_the_default_layers_are_those_of_recipes(style_images):
    network = VGG16(["block1_conv2", "block2_conv2", "block3_conv3"], "random")
    objective = StyleObjective(network, style_images)
    assert objective.content_layers == {"block3_conv3": 1.0}
    layers = ("block1_conv2", "block2_conv2", "block3_conv3", "block3_conv3/2")
    assert objective.style_layers == dict.fromkeys(layers, 1e-4)


# === Layers ===


def test_a_layer_of_the_picture_at_half_its_size(loss_network, style_images):
    """`name/2` is what the plain layer makes of pictures averaged over 2 x 2 pixels."""

    def half(image):
        return image.reshape(*(n for side in image.shape[:2] for n in (side // 2, 2)), 3).mean(
            (1, 3)
        )

    images, pastiches = RNG.uniform(size=(2, 2, 16, 16, 3)).astype("float32")
    ids = np.int32([2, 1])
    found = StyleObjective(
        loss_network,
        style_images,
        content_layers={"block1_conv2/2": 0.5},
        style_layers={"block2_conv2/2": 3.0, "block1_conv2": 2.0},
    ).terms(images, ids, pastiches)
    expected = StyleObjective(
        loss_network,
        [half(image) for image in style_images],
        content_layers={"block1_conv2": 0.5},
        style_layers={"block2_conv2": 3.0},
    ).terms(np.stack([*map(half, images)]), ids, np.stack([*map(half, pastiches)]))
    whole = StyleObjective(
        loss_network, style_images, content_layers={}, style_layers={"block1_conv2": 2.0}
    ).terms(images, ids, pastiches)
    np.testing.assert_allclose(found["content_loss"], expected["content_loss"], rtol=1e-4)
    np.testing.assert_allclose(
        found["style_loss"], expected["style_loss"] + whole["style_loss"], rtol=1e-4
    )


def test_a_layer_of_another_size(loss_network, style_images):
    for layer in ("block1_conv2/3", "block1_conv2/", "block1_conv2/1", "block1_conv2/2/2"):
        with pytest.raises(UserError, match="at half its size. Received: block1_conv2/"):
            StyleObjective(loss_network, style_images, style_layers={layer: 1.0})


def test_a_photo_against_itself_has_no_content_loss(loss_network, style_images):
    objective = StyleObjective(
        loss_network, style_images, content_layers=LAYERS, style_layers=LAYERS
    )
    image = style_images[2][None]
    found = objective.terms(image, np.int32([2]), image)
    assert float(found["content_loss"][0]) == 0
    assert float(found["style_loss"][0]) == pytest.approx(0, abs=1e-3)
    assert "total_variation" not in found


def test_style_losses_to_all_styles(loss_network, style_images):
    objective = StyleObjective(
        loss_network,
        style_images,
        content_layers=LAYERS,
        style_layers=LAYERS,
        style_factors=[1.0, 3.0, 0.2],
        gram_normalization=0.5,
    )
    pastiches = RNG.uniform(size=(2, 16, 16, 3)).astype("float32")
    found = ops.convert_to_numpy(objective.style_losses_to_all(pastiches))
    assert found.shape == (2, 3)
    for style in range(3):
        to_one = objective.terms(pastiches, np.int32([style, style]), pastiches)
        np.testing.assert_allclose(found[:, style], to_one["style_loss"], rtol=1e-4)


def test_nothing_in_it_trains(loss_network, style_images):
    objective = StyleObjective(
        loss_network, style_images, content_layers=LAYERS, style_layers=LAYERS
    )
    assert objective.trainable_variables == []


def test_a_blank_style_image_is_refused(loss_network):
    black = np.full((16, 16, 3), 0.5, "float32")
    vgg = VGG16(["block1_conv1"], "random")
    for layer in vgg.layers[2:]:
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    with pytest.raises(UserError, match="style image 0 .* is blank as seen by layer block1_conv1"):
        StyleObjective(vgg, [black], content_layers={}, style_layers={"block1_conv1": 1.0})


def test_without_weights_the_loss_network_is_not_asked(loss_network, style_images, monkeypatch):
    zeros = dict.fromkeys(LAYERS, 0.0)
    objective = StyleObjective(
        loss_network,
        style_images,
        content_layers=zeros,
        style_layers=zeros,
        penalties={"total_variation": (1.0, {"exponent": 1.0})},
    )
    monkeypatch.setattr(objective, "layer_losses", None)  # it can't be called
    photos = RNG.uniform(size=(2, 16, 16, 3)).astype("float32")
    terms_found = objective.terms(photos, np.array([0, 2]), photos)
    found = {name: ops.convert_to_numpy(value) for name, value in terms_found.items()}
    assert list(found) == ["content_loss", "style_loss", "total_variation"]
    np.testing.assert_array_equal(found["content_loss"], [0, 0])
    np.testing.assert_array_equal(found["style_loss"], [0, 0])
    assert found["total_variation"].min() > 0
