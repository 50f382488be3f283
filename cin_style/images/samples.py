"""Sample photos that come with an installed package."""

import numpy as np

from cin_style.images.files import from_uint8

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")


def sample_photos() -> dict[str, np.ndarray]:
    """The photos that scikit-image carries under free licences.

    Returns:
        A dict of names to float32 arrays (height, width, 3) in [0, 1].

    Example:

        >>> sorted(sample_photos())
        ['astronaut', 'chelsea', 'coffee', 'rocket']
    """
    import skimage.data  # slow to import, and only needed here

    return {name: from_uint8(np.asarray(getattr(skimage.data, name)())) for name in SAMPLES}
