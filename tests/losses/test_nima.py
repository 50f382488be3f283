"""nima.py: the machinery, with random weights."""

import numpy as np
import pytest

from cin_style.errors import UserError
from cin_style.losses.nima import NIMA
from cin_style.painting.descent import with_gradient


@pytest.fixture(scope="module")
def nima():
    return NIMA("random")


def test_the_score_is_the_mean_of_the_distribution(nima):
    pictures = np.random.default_rng(0).random((2, 224, 224, 3), "float32")
    shares = np.asarray(nima.network(2 * pictures - 1))
    assert shares.shape == (2, 10)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-5)
    expected = shares @ np.arange(1, 11)
    np.testing.assert_allclose(np.asarray(nima.scores(pictures)), expected, rtol=1e-4)


def test_it_has_a_gradient(nima):
    score = with_gradient(lambda picture: (nima.scores(picture[None])[0], {}))
    _, gradient = score(np.random.default_rng(0).random((40, 30, 3), "float32"))
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_weights_from_a_file(nima, tmp_path):
    nima.network.save_weights(tmp_path / "nima.weights.h5")
    again = NIMA(tmp_path / "nima.weights.h5")
    picture = np.random.default_rng(0).random((1, 50, 60, 3), "float32")
    np.testing.assert_allclose(
        np.asarray(again.scores(picture)), np.asarray(nima.scores(picture)), rtol=1e-5
    )


def test_bad_weights(tmp_path):
    (tmp_path / "text.h5").write_text("no weights")
    for path, message in [
        (tmp_path / "gone.h5", "no such file of NIMA weights: .*gone.h5.*leave it out"),
        (tmp_path / "text.h5", "cannot read NIMA weights from .*text.h5"),
    ]:
        with pytest.raises(UserError, match=message):
            NIMA(path)
