"""segmentation.py: what belongs together is found, in another light and from another place."""

import numpy as np
import pytest

from cin_style.losses.vgg import VGG16
from cin_style.painting import segmentation

RNG = np.random.default_rng(0)


def land(height, width, horizon):
    """Smooth blue over rough green; and where the green is."""
    below = np.arange(height) >= horizon * height
    noise = RNG.normal(0, 0.12, (height, width, 1)) * below[:, None, None]
    photo = np.where(below[:, None, None], [0.25, 0.45, 0.1], [0.5, 0.7, 0.95]) + noise
    return photo.clip(0, 1).astype("float32"), np.repeat(below[:, None], width, axis=1)


@pytest.fixture(scope="module")
def network():
    return VGG16(segmentation.LAYERS, dtype="float32")


def test_the_same_things_are_the_same_segment_in_another_light(network):
    (day, ground), (other, its_ground) = land(64, 96, 0.5), land(80, 64, 0.3)
    dusk = other**1.5 * np.float32([1, 0.6, 0.4])
    found = segmentation.cluster(day, dusk, network, 2)
    assert found.content.shape == (64, 96, 2) and found.style.shape == (80, 64, 2)
    np.testing.assert_allclose(found.content.sum(-1), 1, atol=1e-5)
    # From top to bottom: the sky is first.
    assert ((found.content.argmax(-1) == 1) == ground).mean() > 0.95
    assert ((found.style.argmax(-1) == 1) == its_ground).mean() > 0.95


def test_it_is_the_same_again(network):
    day, dusk = land(48, 64, 0.5)[0], land(48, 64, 0.6)[0]
    one, other = (segmentation.cluster(day, dusk, network, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.content, other.content)


def test_edges_are_laid_along_those_of_the_photo():
    photo, ground = land(60, 60, 32 / 60)
    coarse = np.eye(2)[(np.arange(6) >= 3).astype(int)][:, None].repeat(6, axis=1)
    found = segmentation.along_edges(coarse, photo)
    assert found.shape == (60, 60, 2)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    wrong = ((found.argmax(-1) == 1) != ground).mean()
    assert wrong < ((np.arange(60)[:, None] >= 30) != ground).mean()
