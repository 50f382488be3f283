"""Content and style losses of a photo whose segments each have a style of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy import ndimage

from cin_style.images.segments import Segments
from cin_style.losses import functional
from cin_style.losses.features import see
from cin_style.losses.objective import REFERENCE_ENERGY
from cin_style.losses.recipe import split_layer


def shares_at(
    shares: np.ndarray, loss_network: keras.Model, layers: Iterable[str]
) -> dict[str, np.ndarray]:
    """The shares of segments at the layers of a loss network.

    Averaged as the picture is on its way there (Luan et al. 2017, section 3.2): over 3 x 3 at each
    convolution, and to half the size at each pooling.

    Args:
        shares: float (height, width, count).
        loss_network: a `cin_style.VGG16` or `VGG19`.
        layers: its layers, or `layer/2`.

    Returns:
        A dict of the layers to float32 (height / 2^k, width / 2^k, count).
    """
    parts = {layer: split_layer(layer) for layer in layers}
    found: dict[str, np.ndarray] = {}
    for divisor in sorted({divisor for _, divisor in parts.values()}):
        planes = np.asarray(shares, "float32")
        planes = _halved(planes) if divisor == 2 else planes
        names = [name for name, by in parts.values() if by == divisor]
        order = loss_network.ARCHITECTURE.layers
        at: dict[str, np.ndarray] = {}
        for index, name in enumerate(order[: max(map(order.index, names)) + 1]):
            if index and name.endswith("conv1"):
                planes = _halved(planes)
            planes = ndimage.uniform_filter(planes, (3, 3, 1), mode="nearest")
            at[name] = planes
        found |= {layer: at[name] for layer, (name, by) in parts.items() if by == divisor}
    return found


def _halved(planes: np.ndarray) -> np.ndarray:
    height, width = (side // 2 for side in planes.shape[:2])
    whole = planes[: 2 * height, : 2 * width]
    return whole.reshape(height, 2, width, 2, -1).mean(axis=(1, 3))


def segment_grams(features: Any, shares: Any) -> Any:
    """The Gram matrix of each segment: `functional.gram_matrix`, each position by its share.

        G_kij = sum over positions p of  m_kp F_pi F_pj  /  sum over p of m_kp

    Divided by the segment's area, as Luan et al. 2017 (equation 7) and unlike Penhouet and
    Sanzenbacher 2019; shares count once, where both have them squared, which for hard edges is the
    same.

    Args:
        features: (height, width, channels).
        shares: (height, width, count).

    Returns:
        float32 (count, channels, channels).

    Example:
        >>> features = np.float32([[[1, 2], [3, 4]]])
        >>> np.asarray(segment_grams(features, np.float32([[[1, 0], [0, 1]]]))).round(3).tolist()
        [[[1.0, 2.0], [2.0, 4.0]], [[9.0, 12.0], [12.0, 16.0]]]
    """
    features = ops.cast(features, "float32")
    height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (height * width, channels))
    masks = ops.reshape(ops.cast(shares, "float32"), (height * width, -1))
    areas = ops.sum(masks, axis=0) + 1e-6
    # A segment at a time: all at once would hold as many copies of the features.
    grams = [
        ops.matmul(ops.transpose(flat * masks[:, index : index + 1]), flat) / areas[index]
        for index in range(shares.shape[-1])
    ]
    return ops.stack(grams)


class SegmentObjective:
    """Content loss, and style loss segment by segment (Luan et al. 2017, equations 5 to 7).

        content: sum over layers of  weight . mean (F - F_content)^2
        style:   sum over layers and segments k of
                 weight . share_k . factor_k . mean (G_k - G_k,style)^2

    where share_k is the segment's share of the content photo, and factor_k, as in `StyleObjective`,
    (REFERENCE_ENERGY / mean G_k,style^2) ** gram_normalization. What of the photo is in no segment
    is not looked at: means are over all segments, and shares of them.

    Args:
        loss_network: a `cin_style.VGG16` or `VGG19` that gives all the layers.
        content, style: float32 (height, width, 3) in [0, 1].
        segments: of their sizes.
        content_layers, style_layers: dicts of layer names to weights.
        gram_normalization: exponent from 0 to 1; with 1 a segment of dark pixels, whose features
            are small, counts like a bright one.
        penalties: see `StyleObjective`; only those that look at pictures.

    Attributes:
        constants: what belongs to these photos, a nest of tensors for compiled functions to take
            as an argument.
        names: of the segments.

    Example:
        >>> from cin_style import VGG16
        >>> from cin_style.images.segments import Segments
        >>> day, dusk = np.random.rand(2, 16, 16, 3).astype("float32")
        >>> layers = {"block1_conv2": 1.0}
        >>> segments = Segments.whole((16, 16), (16, 16))
        >>> objective = SegmentObjective(
        ...     VGG16(layers), day, dusk, segments, content_layers=layers, style_layers=layers
        ... )
        >>> terms = objective.terms(day, objective.constants)
        >>> float(terms["content_loss"]), bool(terms["style_loss"] > 0)
        (0.0, True)
    """

    def __init__(
        self,
        loss_network: keras.Model,
        content: np.ndarray,
        style: np.ndarray,
        segments: Segments,
        *,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        gram_normalization: float = 1.0,
        penalties: Mapping[str, tuple[float, dict[str, float]]] | None = None,
    ) -> None:
        self.loss_network = loss_network
        self.names = segments.names
        self.content_layers, self.style_layers = dict(content_layers), dict(style_layers)
        self.penalties = {name: given for name, given in (penalties or {}).items() if given[0]}
        seen = see(loss_network, content[None], self.content_layers)
        features = see(loss_network, style[None], self.style_layers)
        theirs = shares_at(segments.style, loss_network, self.style_layers)
        shares = segments.shares
        shares = ops.convert_to_tensor(shares / max(shares.sum(), 1e-6), "float32")
        grams, factors = {}, {}
        for layer, weight in self.style_layers.items():
            grams[layer] = segment_grams(features[layer][0], theirs[layer])
            energy = ops.maximum(ops.mean(ops.square(grams[layer]), axis=(1, 2)), 1e-6)
            factors[layer] = weight * shares * (REFERENCE_ENERGY / energy) ** gram_normalization
        covered = shares_at(
            segments.content.sum(axis=-1, keepdims=True), loss_network, self.content_layers
        )
        self.constants = {
            "content": {layer: seen[layer] for layer in self.content_layers},
            "covered": {
                layer: ops.convert_to_tensor(value / max(value.mean(), 1e-6), "float32")
                for layer, value in covered.items()
            },
            "shares": {
                layer: ops.convert_to_tensor(value, "float32")
                for layer, value in shares_at(
                    segments.content, loss_network, self.style_layers
                ).items()
            },
            "grams": grams,
            "factors": factors,
        }

    def terms(self, picture: Any, constants: Any) -> dict[str, Any]:
        """The weighted terms of a picture's loss, scalars.

        Args:
            picture: (height, width, 3) in [0, 1].
            constants: `constants`.
        """
        images = ops.expand_dims(picture, 0)
        features = see(self.loss_network, images, [*self.content_layers, *self.style_layers])
        content = [
            weight * self._content(features[layer][0], constants, layer)
            for layer, weight in self.content_layers.items()
        ]
        style = [ops.sum(losses) for losses in self._styles(features, constants).values()]
        found = {"content_loss": sum(content, ops.zeros(())), "style_loss": sum(style)}
        for name, (weight, arguments) in self.penalties.items():
            found[name] = weight * getattr(functional, name)(images, **arguments)[0]
        return found

    def style_losses(self, picture: np.ndarray) -> dict[str, float]:
        """The weighted style loss of every segment by itself, whatever its share of the photo."""
        features = see(self.loss_network, picture[None], self.style_layers)
        shares = self.constants["shares"]
        total = sum(self._styles(features, self.constants).values())
        area = next(iter(shares.values()))
        total = ops.convert_to_numpy(total) / (ops.convert_to_numpy(area).mean(axis=(0, 1)) + 1e-6)
        return dict(zip(self.names, map(float, total), strict=True))

    def _content(self, features: Any, constants: Any, layer: str) -> Any:
        """`functional.content_loss` of a layer, each place by how much segments cover it."""
        difference = ops.cast(features, "float32") - constants["content"][layer][0]
        return ops.mean(constants["covered"][layer] * ops.square(difference))

    def _styles(self, features: dict[str, Any], constants: Any) -> dict[str, Any]:
        """The weighted style losses of every segment, (count,), by layer."""
        found = {}
        for layer in self.style_layers:
            grams = segment_grams(features[layer][0], constants["shares"][layer])
            losses = functional.style_loss(grams, constants["grams"][layer])
            found[layer] = losses * constants["factors"][layer]
        return found
