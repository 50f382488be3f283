"""Grain: smooth noise laid over photos."""

import numpy as np
from PIL import Image

# How far the noise's nodes are apart, in px.
_STEP = 4
# How many nodes to each side a bicubic value depends on, and one to spare.
_SUPPORT = 3


class Grain:
    """Smooth grey noise for a whole picture, to be laid over it as a whole or part by part.

    It holds the noise's nodes alone, a sixteenth of the pixels.

    Args:
        height, width: of the picture.
        amount: standard deviation of the noise at its nodes, which are 4 px apart.
        rng: a `numpy.random.Generator`.

    Example:

        >>> grain = Grain(16, 20, 0.03, np.random.default_rng(0))
        >>> grey = np.full((16, 20, 3), 0.5, "float32")
        >>> np.array_equal(grain.over(grey)[4:, 7:], grain.over(grey[4:, 7:], top=4, left=7))
        True
    """

    def __init__(self, height: int, width: int, amount: float, rng: np.random.Generator) -> None:
        self._amount = np.float32(amount)
        nodes = rng.standard_normal((height // _STEP + 2, width // _STEP + 2), "float32")
        self._nodes = Image.fromarray(nodes)

    def over(self, part: np.ndarray, top: int = 0, left: int = 0) -> np.ndarray:
        """Lays the noise over a part of the picture.

        Args:
            part: float32 (height, width, 3) in [0, 1].
            top, left: where the part begins in the picture.

        Returns:
            A new array like `part`, clipped to [0, 1].
        """
        height, width = part.shape[:2]
        first = top // _STEP, left // _STEP
        last = -(-(top + height) // _STEP), -(-(left + width) // _STEP)
        noise = self._enlarge(first, last)
        top, left = top - _STEP * first[0], left - _STEP * first[1]
        noise = noise[top : top + height, left : left + width, None]
        return np.clip(part + self._amount * noise, 0, 1)

    def _enlarge(self, first: tuple[int, int], last: tuple[int, int]) -> np.ndarray:
        """The noise between two nodes (row, column), bicubic."""
        # Of a `box`, Pillow takes the neighbours outside of it into account. One direction after
        # the other: which one it begins with depends on the size, and the last bit on that.
        bicubic = Image.Resampling.BICUBIC
        above = max(0, first[0] - _SUPPORT)
        below = min(self._nodes.height, last[0] + _SUPPORT)
        columns = (first[1], above, last[1], below)
        wide = self._nodes.resize((_STEP * (last[1] - first[1]), below - above), bicubic, columns)
        rows = (0, first[0] - above, wide.width, last[0] - above)
        return np.asarray(wide.resize((wide.width, _STEP * (last[0] - first[0])), bicubic, rows))


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
    return Grain(image.shape[0], image.shape[1], amount, rng).over(image)
