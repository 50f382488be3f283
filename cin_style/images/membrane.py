"""What differs along the edge of a region, made up for over all of it (Poisson cloning)."""

import numpy as np
import scipy.sparse
from PIL import Image
from scipy import ndimage
from scipy.sparse import linalg

from cin_style.images.scaling import scale

# The long side in px at which it is solved: inside a region it is smooth.
_SIDE = 256


def between(above: np.ndarray, below: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The harmonic function in a region that is the difference of two pictures along its edge.

    Added to the upper one, it joins the lower one without a step and keeps its gradients (Perez et
    al. 2003, equation 4, with the gradients of the upper picture as guidance; solved for the
    correction, which is smooth, on a small grid).

    Args:
        above, below: float (height, width, 3).
        region: bool (height, width). At the picture's own border nothing is asked for.

    Returns:
        float32 (height, width, 3): `below - above` in the outermost 2 px of the region, harmonic
        inside; outside of the region it goes on smoothly.

    Raises:
        ValueError: the region fills the picture: it has no edge.

    Example:
        >>> below = np.full((20, 30, 3), 0.75)
        >>> region = np.zeros((20, 30), bool)
        >>> region[5:15, 5:25] = True
        >>> found = between(below - 0.25, below, region)
        >>> bool(np.allclose(found, 0.25, atol=1e-4))
        True
    """
    whole = region.shape
    difference = np.asarray(below - above, "float64")
    edge = region & ~ndimage.binary_erosion(region, iterations=2, border_value=1)
    if not edge.any():
        raise ValueError("`region` must leave some of the picture outside.")
    factor = max(1, -(-max(whole) // _SIDE))
    size = tuple(-(-side // factor) for side in whole)
    # Every cell that holds some of the edge is given: the mean of what differs there.
    rows, columns = (np.arange(side) // factor for side in whole)
    cells = rows[:, None] * size[1] + columns[None]
    counts = np.bincount(cells[edge], minlength=size[0] * size[1])
    sums = [
        np.bincount(cells[edge], difference[..., c][edge], minlength=counts.size) for c in range(3)
    ]
    given = counts > 0
    values = np.stack(sums, axis=-1) / np.maximum(counts, 1)[:, None]

    number = np.arange(counts.size).reshape(size)
    one = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    other = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    ones = np.ones(len(one))
    links = scipy.sparse.coo_matrix((ones, (one, other)), (counts.size, counts.size))
    links = (links + links.T).tocsr()
    degrees = scipy.sparse.diags_array(np.asarray(links.sum(axis=1)).ravel())
    laplacian = (degrees - links).tocsr()
    free = np.flatnonzero(~given)
    if free.size:
        held = laplacian[free][:, np.flatnonzero(given)] @ values[given]
        solve = linalg.factorized(laplacian[free][:, free].tocsc())
        values[free] = np.stack([solve(-held[:, c]) for c in range(3)], axis=-1)
    small = values.reshape(*size, 3)
    return scale(small, whole, Image.Resampling.BILINEAR)
