"""Grain: smooth noise laid over photos."""

import numpy as np
from PIL import Image


def add_grain(image: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Lays smooth grey noise over an image.

    Transformer networks are functions of the neighbourhood: what is flat they can only fill
    with a regular pattern. From a little noise they make strokes (Ulyanov et al. 2016 feed
    noise to texture networks for the same reason).

    Args:
        image: float32 (height, width, 3) in [0, 1].
        amount: standard deviation of the noise at its nodes, which are 4 px apart.
        rng: a `numpy.random.Generator`.

    Returns:
        A new array like `image`, clipped to [0, 1].

    Example:

        >>> grey = np.full((16, 20, 3), 0.5, "float32")
        >>> add_grain(grey, 0.03, np.random.default_rng(0)).shape
        (16, 20, 3)
    """
    height, width = image.shape[:2]
    nodes = rng.standard_normal((height // 4 + 2, width // 4 + 2), "float32")
    noise = Image.fromarray(nodes).resize(
        (4 * nodes.shape[1], 4 * nodes.shape[0]), Image.Resampling.BICUBIC
    )
    return np.clip(image + np.float32(amount) * np.asarray(noise)[:height, :width, None], 0, 1)
