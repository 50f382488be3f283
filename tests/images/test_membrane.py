"""What differs along an edge, made up for over a region."""

import numpy as np
import pytest

from cin_style.images.membrane import between


def test_it_is_harmonic_and_meets_the_edge():
    down, across = np.mgrid[0:60, 0:80] / 80
    # Harmonic functions are their own continuation.
    truth = np.stack([down + across, across**2 - down**2, 2 * down * across], axis=-1)
    above = np.random.default_rng(0).random(truth.shape)
    region = np.zeros((60, 80), bool)
    region[10:50, 15:70] = True
    found = between(above, above + truth, region)
    assert np.abs(found - truth)[region].max() < 0.01


def test_large_pictures_are_solved_small():
    down, across = np.mgrid[0:300, 0:900] / 900
    truth = np.stack([down, across, 1 - across], axis=-1)
    region = np.zeros((300, 900), bool)
    region[60:260, 200:800] = True
    found = between(np.zeros_like(truth), truth, region)
    assert found.shape == truth.shape and found.dtype == np.float32
    assert np.abs(found - truth)[region].max() < 0.02


def test_only_what_differs_inside_the_region_counts():
    below = np.full((40, 40, 3), 0.25)
    above, region = below.copy(), np.zeros((40, 40), bool)
    region[10:30, 10:30] = True
    above[region] = 0.75
    found = between(above, below, region)
    np.testing.assert_allclose(found[region], -0.5, atol=1e-5)


def test_at_the_border_of_the_picture_nothing_is_asked_for():
    below = np.full((40, 40, 3), 0.5)
    region = np.zeros((40, 40), bool)
    region[:25, :25] = True
    np.testing.assert_allclose(between(below * 0, below, region), 0.5, atol=1e-5)
    with pytest.raises(ValueError, match="must leave some of the picture outside"):
        between(below, below, np.ones((40, 40), bool))
