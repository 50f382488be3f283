"""Style images by the thousand: each a function of its seed alone."""

import numpy as np

from cin_style.styles.generator import generate


def test_a_seed_is_an_image():
    images = [np.asarray(generate(seed, 96)) for seed in range(16)]
    for image in images:
        assert image.shape == (96, 96, 3) and image.dtype == np.uint8
        assert np.ptp(image) > 20
    assert len({image.tobytes() for image in images}) == 16
    np.testing.assert_array_equal(generate(7, 96), images[7])


def test_fans_do_not_shrink_to_nothing():
    # Here the noise that they follow goes below that.
    assert generate(746, 48).size == (48, 48)
