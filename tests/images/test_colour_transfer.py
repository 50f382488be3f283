"""colour_transfer.py: moments after the map are those of the style."""

import numpy as np
import pytest

from cin_style.images import colour_transfer, guided
from cin_style.images.segments import Segments

RNG = np.random.default_rng(0)


@pytest.fixture
def colours():
    mix = np.array([[0.2, 0.1, 0], [0, 0.15, 0.05], [0.1, 0, 0.1]])
    return 0.5 + RNG.normal(size=(4000, 3)) @ mix, 0.3 + RNG.normal(size=(3000, 3)) @ mix.T * 0.8


def apply(matrix, colours):
    return guided.apply(matrix[None], colours)


def test_mean_and_covariance_become_the_styles(colours):
    content, style = colours
    found = apply(colour_transfer.monge_kantorovich(content, style), content)
    np.testing.assert_allclose(found.mean(axis=0), style.mean(axis=0), atol=1e-4)
    # The noise that is added to both makes them differ a little.
    np.testing.assert_allclose(np.cov(found.T), np.cov(style.T), atol=2e-3)


def test_the_matrix_is_symmetric_and_positive(colours):
    matrix = colour_transfer.monge_kantorovich(*colours)[:, :3]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_weights_choose(colours):
    content, style = colours
    both = np.concatenate([content, RNG.random((500, 3))])
    weights = np.concatenate([np.ones(len(content)), np.zeros(500)])
    found = colour_transfer.monge_kantorovich(both, style, weights)
    expected = colour_transfer.monge_kantorovich(content, style)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_contrast_is_raised_fourfold_at_most(colours):
    flat = 0.5 + 1e-4 * RNG.normal(size=(1000, 3))
    matrix = colour_transfer.monge_kantorovich(flat, 10 * colours[1])[:, :3]
    assert np.linalg.eigvalsh(matrix).max() == pytest.approx(4, rel=1e-3)


def test_each_segment_by_itself():
    content, style = RNG.random((2, 20, 30, 3))
    shares = np.zeros((20, 30, 2), "float32")
    shares[:, :10, 0] = shares[:, 10:, 1] = 1
    maps = colour_transfer.maps_of(content, style, Segments(shares, shares, ("a", "b")))
    left = colour_transfer.monge_kantorovich(content[:, :10], style[:, :10])
    np.testing.assert_allclose(maps[0], left, atol=1e-5)
    made = colour_transfer.recolour(maps, 0.5 * shares + 0.25, content)
    mixed = 0.75 * maps[0] + 0.25 * maps[1]
    np.testing.assert_allclose(made[:, :10], apply(mixed, content[:, :10]), atol=1e-5)
