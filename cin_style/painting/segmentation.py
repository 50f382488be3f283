"""Segments of two photos found together, with nothing to download."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from cin_style.images import guided
from cin_style.images.colour_transfer import monge_kantorovich
from cin_style.images.scaling import scale
from cin_style.images.segments import Segments, likeness, matched, normalized
from cin_style.losses.vgg import LossNetwork

# What segments are told apart by: layers of the loss network, all in the package.
LAYERS = ("block2_conv2", "block3_conv3")

# How many segments are looked for unless said otherwise. Of two photos of the same thing in another
# light, four brought colours nearer to the truth than two or three.
USUAL = 4

# The long side in px at which photos are looked at.
_SIDE = 320

# The grid of places that are clustered has one for so many px each way.
_STRIDE = 4

# How many principal components of the features count; and what the deviation of all of them
# together, of each of L, a, b, and of the height in the picture is.
_COMPONENTS = 12
_FEATURES, _COLOUR, _DOWN = 1.0, 3.0, 1.0

# Of the guided filter that lays segments along edges: its window at `_SIDE`, and the contrast.
_RADIUS = 6
_EPSILON = 1e-4


def cluster(
    content: np.ndarray,
    style: np.ndarray,
    loss_network: LossNetwork,
    count: int = USUAL,
    seed: int = 0,
) -> Segments:
    """Segments by clustering what two photos show, together.

    The content photo first takes the style's colours as a whole (`monge_kantorovich`), so that day
    and dusk look alike. A place is then described by what the loss network sees there, its colour
    and its height in the picture. K-means (scikit-learn) over the places of both photos gives
    labels that match by construction; a guided filter lays them along the photos' edges.

    Args:
        content, style: float32 (height, width, 3) in [0, 1].
        loss_network: one that gives `LAYERS`.
        count: how many segments; fewer where one is found in one photo only.
        seed: of what k-means begins with.

    Returns:
        `Segments` of the photos' sizes, ordered from top to bottom and called after their number.

    Example:

        segments = cluster(day, dusk, cin_style.VGG16(LAYERS))
    """
    from sklearn.cluster import KMeans

    small = [_shrunk(photo) for photo in (content, style)]
    relit = guided.apply(monge_kantorovich(*small), small[0]).clip(0, 1)
    described = _describe([relit.astype("float32"), small[1]], loss_network)
    shapes = [places.shape[:2] for places in described]
    places = np.concatenate([one.reshape(-1, one.shape[-1]) for one in described])
    # Either photo counts as much, however large it is.
    weights = np.concatenate([np.full(h * w, 1 / (h * w)) for h, w in shapes])

    means = KMeans(count, n_init=4, random_state=seed).fit(places, sample_weight=weights)
    parts = np.split(means.labels_, [shapes[0][0] * shapes[0][1]])
    hard = [
        np.eye(count)[labels.reshape(shape)] for labels, shape in zip(parts, shapes, strict=True)
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
    shares = normalized(scale(labels, size))
    # Twice: what the first leaves half undecided, the second decides.
    for _ in range(2):
        shares = normalized(guided.guided_filter(photo, shares, radius, _EPSILON)) ** 2
        shares = normalized(shares)
    return shares


def _shrunk(photo: np.ndarray) -> np.ndarray:
    times = _SIDE / max(photo.shape[:2])
    height, width = (max(16, round(side * times)) for side in photo.shape[:2])
    return scale(photo, (height, width)).clip(0, 1)


def _describe(photos: Sequence[np.ndarray], loss_network: LossNetwork) -> list[np.ndarray]:
    """What a place shows: float (height / 4, width / 4, features), photo by photo."""
    from skimage.color import rgb2lab
    from sklearn.decomposition import PCA

    sizes = [tuple(side // _STRIDE for side in photo.shape[:2]) for photo in photos]
    looks = [loss_network(photo[None]) for photo in photos]
    seen = []
    for layer in LAYERS:
        maps = [ops.convert_to_numpy(look[layer][0]) for look in looks]
        maps = [scale(np.sqrt(one), size) for one, size in zip(maps, sizes, strict=True)]
        seen.append(_standard(maps))
    features = [np.concatenate(layers, axis=-1) for layers in zip(*seen, strict=True)]
    flat = np.concatenate([one.reshape(-1, one.shape[-1]) for one in features])
    components = PCA(_COMPONENTS, random_state=0).fit(flat)
    spread = np.sqrt(components.explained_variance_ / components.explained_variance_.sum())
    reduced = _standard(
        [
            components.transform(one.reshape(-1, one.shape[-1])).reshape(*size, -1)
            for one, size in zip(features, sizes, strict=True)
        ]
    )
    colours = _standard(
        [rgb2lab(scale(photo, size).clip(0, 1)) for photo, size in zip(photos, sizes, strict=True)]
    )
    found = []
    for (height, width), seen_there, colour in zip(sizes, reduced, colours, strict=True):
        # Evenly spread, its deviation is 1.
        down = np.sqrt(12) * (np.arange(height) / height - 0.5)
        place = np.repeat(down[:, None], width, axis=1)[..., None]
        parts = [_FEATURES * spread * seen_there, _COLOUR * colour, _DOWN * place]
        found.append(np.concatenate(parts, axis=-1))
    return found


def _standard(photos: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Values (height, width, channels) of photos relative to the mean and spread of all."""
    flat = np.concatenate([values.reshape(-1, values.shape[-1]) for values in photos])
    spread = flat.std(axis=0)
    # A channel that says next to nothing stays small.
    spread = np.maximum(spread, 0.1 * spread.mean() + 1e-6)
    return [(values - flat.mean(axis=0)) / spread for values in photos]
