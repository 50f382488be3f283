"""Segments of two photos found together, with nothing to download."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from cin_style.images import guided, scaling
from cin_style.images.segments import Segments, likeness, matched, normalized
from cin_style.losses.vgg import LossNetwork

# What segments are told apart by: layers of the loss network, all in the package.
LAYERS = ("block2_conv2", "block3_conv3")

# The most segments that are looked for where their number is not given, and the long side in px
# at which photos are looked at.
MOST = 5
_SIDE = 320

# The grid of places that are clustered has one for so many px each way.
_STRIDE = 4

# How many principal components of the features count; and what colours, height and width in the
# picture count beside them (which have a variance of 1 each).
_COMPONENTS = 12
_COLOUR, _DOWN, _ACROSS = 1.5, 1.5, 0.4

# Of the guided filter that lays segments along edges: its window at `_SIDE`, and the contrast.
_RADIUS = 6
_EPSILON = 1e-4

# How many places the number of segments is chosen by.
_SAMPLE = 1500


def cluster(
    content: np.ndarray,
    style: np.ndarray,
    loss_network: LossNetwork,
    count: int | None = None,
    seed: int = 0,
) -> Segments:
    """Segments by clustering what two photos show, together.

    A place is described by what the loss network sees there, its colour and where it lies, each
    relative to its own photo's mean and spread: so that dusk is like day. K-means (scikit-learn)
    over the places of both photos gives labels that match by construction; a guided filter lays
    them along the photos' edges.

    Args:
        content, style: float32 (height, width, 3) in [0, 1].
        loss_network: one that gives `LAYERS`.
        count: how many segments; by default up to `MOST`, as many as stand apart most clearly
            (silhouette; Rousseeuw 1987).
        seed: of what k-means begins with.

    Returns:
        `Segments` of the photos' sizes, ordered from top to bottom and called after their number.

    Example:

        segments = cluster(day, dusk, cin_style.VGG16(LAYERS))
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    small = [_shrunk(photo) for photo in (content, style)]
    described = _describe(small, loss_network)
    shapes = [places.shape[:2] for places in described]
    places = np.concatenate([one.reshape(-1, one.shape[-1]) for one in described])
    # Either photo counts as much, however large it is.
    weights = np.concatenate([np.full(h * w, 1 / (h * w)) for h, w in shapes])

    def fitted(number: int) -> KMeans:
        return KMeans(number, n_init=4, random_state=seed).fit(places, sample_weight=weights)

    if count is None:
        sample = np.random.default_rng(seed).choice(len(places), min(_SAMPLE, len(places)), False)
        found = {number: fitted(number) for number in range(2, MOST + 1)}
        means = max(
            found.values(), key=lambda one: silhouette_score(places[sample], one.labels_[sample])
        )
    else:
        means = fitted(count)
    parts = np.split(means.labels_, [shapes[0][0] * shapes[0][1]])
    hard = [
        np.eye(len(means.cluster_centers_))[labels.reshape(shape)]
        for labels, shape in zip(parts, shapes, strict=True)
    ]
    # From top to bottom, as the content photo has them.
    rows = np.arange(shapes[0][0])[:, None, None]
    order = np.argsort((hard[0] * rows).sum(axis=(0, 1)) / (hard[0].sum(axis=(0, 1)) + 1e-9))
    hard = [labels[..., order] for labels in hard]
    names = tuple(str(number) for number in range(1, len(order) + 1))
    shares = [along_edges(labels, photo) for labels, photo in zip(hard, small, strict=True)]
    segments = matched(shares[0], shares[1], names, likeness(small, shares))
    return segments.scaled(content.shape[:2], style.shape[:2])


def along_edges(labels: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """Shares laid along a photo's edges by a guided filter.

    Args:
        labels: float (height, width, count), of any size.
        photo: float (height, width, 3) in [0, 1].

    Returns:
        float32 (height, width, count) of the photo's size, each pixel's sum is 1.
    """
    size = photo.shape[:2]
    radius = max(2, round(_RADIUS * max(size) / _SIDE))
    shares = normalized(scaling.scale(labels, size))
    # Twice: what the first leaves half undecided, the second decides.
    for _ in range(2):
        shares = normalized(guided.guided_filter(photo, shares, radius, _EPSILON)) ** 2
        shares = normalized(shares)
    return shares


def _shrunk(photo: np.ndarray) -> np.ndarray:
    scale = _SIDE / max(photo.shape[:2])
    height, width = (max(16, round(side * scale)) for side in photo.shape[:2])
    return scaling.scale(photo, (height, width)).clip(0, 1)


def _describe(photos: Sequence[np.ndarray], loss_network: LossNetwork) -> list[np.ndarray]:
    """What a place shows: float (height / 4, width / 4, features), photo by photo."""
    from sklearn.decomposition import PCA

    seen = []
    for photo in photos:
        height, width = (side // _STRIDE for side in photo.shape[:2])
        features = loss_network(photo[None])
        layers = [np.sqrt(ops.convert_to_numpy(features[layer][0])) for layer in LAYERS]
        planes = [scaling.scale(layer, (height, width)) for layer in layers]
        seen.append(np.concatenate([_standard(plane) for plane in planes], axis=-1))
    flat = np.concatenate([one.reshape(-1, one.shape[-1]) for one in seen])
    components = PCA(_COMPONENTS, whiten=False, random_state=0).fit(flat)
    found = []
    for photo, features in zip(photos, seen, strict=True):
        height, width = features.shape[:2]
        reduced = _standard(components.transform(features.reshape(height * width, -1)))
        # Of all components together the variance is 1 at each place.
        spread = np.sqrt(components.explained_variance_ / components.explained_variance_.sum())
        reduced = reduced.reshape(height, width, -1) * spread * 2
        colours = _standard(_lab(scaling.scale(photo, (height, width)).clip(0, 1)))
        down, across = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
        place = [_DOWN * (down - 0.5) * 3.5, _ACROSS * (across - 0.5) * 3.5]
        found.append(np.concatenate([reduced, _COLOUR * colours, np.stack(place, -1)], axis=-1))
    return found


def _lab(photo: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab

    return rgb2lab(photo)


def _standard(values: np.ndarray) -> np.ndarray:
    """Values (..., channels) relative to their mean and spread."""
    axes = tuple(range(values.ndim - 1))
    # A channel that says next to nothing stays small.
    spread = values.std(axis=axes)
    return (values - values.mean(axis=axes)) / np.maximum(spread, 0.1 * spread.mean() + 1e-6)
