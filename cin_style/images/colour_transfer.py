"""Colours of one picture given to another by affine maps, segment by segment."""

import numpy as np

from cin_style.images.segments import Segments

# Added to the variance of colours, in shares of the range: noise is no contrast.
_NOISE = 4e-4

# The most that contrast is raised in any direction of colour space: beyond it, noise and the steps
# of 8 bits show.
_MOST_CONTRAST = 4.0


def monge_kantorovich(
    content: np.ndarray,
    style: np.ndarray,
    content_weights: np.ndarray | None = None,
    style_weights: np.ndarray | None = None,
) -> np.ndarray:
    """The affine map that gives colours another mean and covariance and moves them least.

    The linear Monge-Kantorovich map (Pitie and Kokaram 2007, section 3):

        t(u) = T (u - mean_c) + mean_s,  T = C^-1/2 (C^1/2 S C^1/2)^1/2 C^-1/2

    where C and S are the covariances of content and style, here with the noise of a photo added
    and contrast raised fourfold at most.

    Args:
        content, style: float (..., 3), colours.
        content_weights, style_weights: float (...), how much each counts; by default the same.

    Returns:
        float32 (3, 4): the matrix and the offset.

    Example:
        >>> colours = np.random.default_rng(0).random((500, 3))
        >>> found = monge_kantorovich(colours, 0.5 * colours + 0.25)
        >>> found[:, 3].round(2).tolist(), found.diagonal().round(2).tolist()
        ([0.25, 0.25, 0.25], [0.5, 0.5, 0.5])
    """
    (mean_c, content_spread), (mean_s, style_spread) = (
        _moments(colours, weights)
        for colours, weights in ((content, content_weights), (style, style_weights))
    )
    root = _power(content_spread, 0.5)
    inverse = _power(content_spread, -0.5)
    matrix = inverse @ _power(root @ style_spread @ root, 0.5) @ inverse
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    matrix = (vectors * np.minimum(values, _MOST_CONTRAST)) @ vectors.T
    offset = mean_s - matrix @ mean_c
    return np.concatenate([matrix, offset[:, None]], axis=1).astype("float32")


def _moments(colours: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    flat = np.asarray(colours, "float64").reshape(-1, 3)
    share = np.ones(len(flat)) if weights is None else np.asarray(weights, "float64").ravel()
    share = share / share.sum()
    mean = share @ flat
    centred = flat - mean
    return mean, (centred * share[:, None]).T @ centred + _NOISE * np.eye(3)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T


def maps_of(content: np.ndarray, style: np.ndarray, segments: Segments) -> np.ndarray:
    """The Monge-Kantorovich map of every segment.

    Args:
        content, style: float (height, width, 3) in [0, 1].
        segments: of their sizes.

    Returns:
        float32 (count, 3, 4).
    """
    return np.stack(
        [
            monge_kantorovich(
                content, style, segments.content[..., index], segments.style[..., index]
            )
            for index in range(len(segments.names))
        ]
    )


def recolour(maps: np.ndarray, shares: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Colours through the segments' maps, mixed at every pixel by its shares.

    Args:
        maps: float (count, 3, 4).
        shares: float (height, width, count).
        colours: float (height, width, 3).

    Returns:
        float32 (height, width, 3), plane after plane in memory.
    """
    height, width, count = shares.shape
    features = np.empty((count, 4, height, width), "float32")
    for number in range(count):
        share = shares[..., number]
        for index in range(3):
            np.multiply(share, colours[..., index], out=features[number, index])
        features[number, 3] = share
    weights = np.asarray(maps, "float32").transpose(1, 0, 2).reshape(3, -1)
    mapped = weights @ features.reshape(4 * count, -1)
    return np.moveaxis(mapped.reshape(3, height, width), 0, -1)
