"""colour_transfer.py: moments after the map are those of the style."""

import numpy as np
import pytest

from cin_style.images import colour_transfer

RNG = np.random.default_rng(0)


@pytest.fixture
def colours():
    mix = np.array([[0.2, 0.1, 0], [0, 0.15, 0.05], [0.1, 0, 0.1]])
    return 0.5 + RNG.normal(size=(4000, 3)) @ mix, 0.3 + RNG.normal(size=(3000, 3)) @ mix.T * 0.8


def test_mean_and_covariance_become_the_styles(colours):
    content, style = colours
    affine = colour_transfer.monge_kantorovich(content, style)
    found = content @ affine[:, :3].T + affine[:, 3]
    np.testing.assert_allclose(found.mean(axis=0), style.mean(axis=0), atol=1e-4)
    # The noise that is added to both makes them differ a little.
    np.testing.assert_allclose(np.cov(found.T), np.cov(style.T), atol=2e-3)


def test_the_matrix_is_symmetric_and_positive(colours):
    matrix = colour_transfer.monge_kantorovich(*colours)[:, :3]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_contrast_is_raised_fourfold_at_most(colours):
    flat = 0.5 + 1e-4 * RNG.normal(size=(1000, 3))
    matrix = colour_transfer.monge_kantorovich(flat, 10 * colours[1])[:, :3]
    assert np.linalg.eigvalsh(matrix).max() == pytest.approx(4, rel=1e-3)
