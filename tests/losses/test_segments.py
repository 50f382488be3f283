"""segments.py of losses: Gram matrices by segment against sums by hand."""

import numpy as np
import pytest

from cin_style.images.segments import Segments
from cin_style.losses import functional, segments
from cin_style.losses.objective import REFERENCE_ENERGY
from cin_style.losses.vgg import VGG16

RNG = np.random.default_rng(0)
LAYERS = {"block1_conv2": 2.0, "block2_conv1": 3.0}


@pytest.fixture(scope="module")
def network():
    return VGG16(LAYERS, "random", dtype="float32")


@pytest.fixture(scope="module")
def photos():
    return RNG.random((24, 32, 3), "float32"), RNG.random((20, 28, 3), "float32")


def halves(height, width):
    """Two segments, left and right, with a soft edge."""
    share = np.clip((np.arange(width) - width / 2) / 4 + 0.5, 0, 1).astype("float32")
    shares = np.stack([1 - share, share], axis=-1)
    return np.repeat(shares[None], height, axis=0)


@pytest.fixture(scope="module")
def both(photos):
    return Segments(halves(24, 32), halves(20, 28), ("left", "right"))


def test_grams_are_weighted_means_of_products():
    features, shares = RNG.random((5, 6, 4)), halves(5, 6)
    found = np.asarray(segments.segment_grams(features, shares))
    for k in range(2):
        expected = sum(
            shares[y, x, k] * np.outer(features[y, x], features[y, x])
            for y in range(5)
            for x in range(6)
        )
        np.testing.assert_allclose(found[k], expected / shares[..., k].sum(), rtol=1e-4)


def test_one_segment_is_the_gram_matrix():
    features = RNG.random((5, 6, 4)).astype("float32")
    found = segments.segment_grams(features, np.ones((5, 6, 1)))
    expected = functional.gram_matrix(features[None])
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-5)


def test_shares_shrink_as_the_picture_does(network):
    shares = halves(24, 32)
    layers = ["block1_conv1", "block2_conv1", "block2_conv1/2"]
    found = segments.shares_at(shares, network, layers)
    assert [found[layer].shape for layer in layers] == [(24, 32, 2), (12, 16, 2), (6, 8, 2)]
    for value in found.values():
        np.testing.assert_allclose(value.sum(-1), 1, atol=1e-6)
        np.testing.assert_allclose(value[0, [0, -1]], [[1, 0], [0, 1]], atol=1e-6)
    # At the first convolution: the mean of three columns.
    np.testing.assert_allclose(
        found["block1_conv1"][3, 15], shares[3, 14:17].mean(axis=0), atol=1e-6
    )


@pytest.mark.parametrize("normalization", [0.0, 1.0])
def test_terms_are_those_of_the_formula(network, photos, both, normalization):
    content, style = photos
    objective = segments.SegmentObjective(
        network,
        content,
        style,
        both,
        content_layers={"block2_conv1": 0.5},
        style_layers=LAYERS,
        gram_normalization=normalization,
        penalties={"total_variation": (7.0, {"exponent": 2.0})},
    )
    picture = RNG.random((24, 32, 3), "float32")
    terms = {k: float(v) for k, v in objective.terms(picture, objective.constants).items()}
    seen, aim, before = (network(one[None]) for one in (picture, style, content))
    expected = 0.0
    for layer, weight in LAYERS.items():
        ours = segments.shares_at(both.content, network, [layer])[layer]
        theirs = segments.shares_at(both.style, network, [layer])[layer]
        grams = np.asarray(segments.segment_grams(seen[layer][0], ours))
        wanted = np.asarray(segments.segment_grams(aim[layer][0], theirs))
        for k in range(2):
            factor = (REFERENCE_ENERGY / np.mean(wanted[k] ** 2)) ** normalization
            loss = np.mean((grams[k] - wanted[k]) ** 2)
            expected += weight * both.shares[k] * factor * loss
    assert terms["style_loss"] == pytest.approx(expected, rel=1e-3)
    difference = np.asarray(seen["block2_conv1"]) - np.asarray(before["block2_conv1"])
    assert terms["content_loss"] == pytest.approx(0.5 * np.mean(difference**2), rel=1e-4)
    assert terms["total_variation"] == pytest.approx(
        7 * float(functional.total_variation(picture[None], 2.0)[0]), rel=1e-5
    )
    apart = objective.style_losses(picture)
    assert set(apart) == {"left", "right"}
    assert apart["left"] / 2 + apart["right"] / 2 == pytest.approx(expected, rel=0.02)


def test_the_photo_in_its_own_style_has_no_loss(network, photos, both):
    content = photos[0]
    own = Segments(both.content, both.content, both.names)
    objective = segments.SegmentObjective(
        network, content, content, own, content_layers={"block1_conv2": 1}, style_layers=LAYERS
    )
    terms = objective.terms(content, objective.constants)
    assert float(terms["style_loss"]) < 1e-3 and float(terms["content_loss"]) == 0
