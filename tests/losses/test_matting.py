"""matting.py against Levin's matrix, entry by entry, and against finite differences."""

import numpy as np
import pytest

from cin_style.losses.matting import MattingLaplacian
from cin_style.painting.descent import with_gradient

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 9, 7


@pytest.fixture(scope="module")
def photo():
    """Colours at random, but for a corner where they are all the same."""
    photo = RNG.random((HEIGHT, WIDTH, 3))
    photo[:4, :4] = 0.5
    return photo


def levin(photo, epsilon):
    """The matrix by equation 12 of the paper: a sum over windows for each pair of pixels."""
    numbers = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    matrix = np.zeros((HEIGHT * WIDTH,) * 2)
    for top in range(HEIGHT - 2):
        for left in range(WIDTH - 2):
            inside = numbers[top : top + 3, left : left + 3].ravel()
            colours = photo.reshape(-1, 3)[inside]
            mean = colours.mean(axis=0)
            covariance = (colours - mean).T @ (colours - mean) / 9
            inverse = np.linalg.inv(covariance + epsilon / 9 * np.eye(3))
            for i in range(9):
                for j in range(9):
                    near = 1 + (colours[i] - mean) @ inverse @ (colours[j] - mean)
                    matrix[inside[i], inside[j]] += (i == j) - near / 9
    return matrix


@pytest.mark.parametrize("epsilon", [1e-7, 1e-5, 1e-2])
def test_the_product_is_that_of_the_matrix(photo, epsilon):
    matrix = levin(photo, epsilon)
    values = RNG.random((HEIGHT, WIDTH, 2))
    laplacian = MattingLaplacian(photo, epsilon)
    expected = (matrix @ values.reshape(-1, 2)).reshape(values.shape)
    np.testing.assert_allclose(np.asarray(laplacian.product(values)), expected, atol=1e-5)
    energy = sum(values[..., k].ravel() @ matrix @ values[..., k].ravel() for k in range(2))
    assert float(laplacian.energy(values)) == pytest.approx(energy, rel=1e-5)


def test_affine_maps_cost_nothing_but_their_slopes(photo):
    laplacian = MattingLaplacian(photo, 1e-7)
    assert float(laplacian.energy(np.full(photo.shape, 0.7))) == pytest.approx(0, abs=1e-6)
    mapped = photo @ RNG.normal(size=(3, 3)) + 0.1
    assert abs(float(laplacian.energy(mapped))) < 1e-4
    assert float(laplacian.energy(RNG.random(photo.shape))) > 1


def test_the_gradient_is_that_of_finite_differences(photo):
    laplacian = MattingLaplacian(photo, 1e-5)
    energy = with_gradient(lambda values, constants: (laplacian.energy(values, constants), {}))
    values = RNG.random(photo.shape).astype("float32")
    (value, _), gradient = energy(values, laplacian.constants)
    assert float(value) == pytest.approx(float(laplacian.energy(values)), rel=1e-5)
    for _ in range(3):
        direction = RNG.normal(size=photo.shape)
        ahead, behind = (
            float(laplacian.energy(values + sign * 0.05 * direction)) for sign in (1, -1)
        )
        found = float((np.asarray(gradient, "float64") * direction).sum())
        # Of a quadratic function this is exact.
        assert (ahead - behind) / 0.1 == pytest.approx(found, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("shape", [(2, 9, 3), (9, 9), (9, 9, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="`photo` must be"):
        MattingLaplacian(np.zeros(shape))
