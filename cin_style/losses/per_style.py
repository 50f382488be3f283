"""Content and style losses per style on photos that training never saw."""

import collections
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops

from cin_style.losses.objective import StyleObjective
from cin_style.styles.style import Style


def style_losses(
    network: Any, objective: StyleObjective, photos: np.ndarray, batch_size: int = 8
) -> list[dict[str, Any]]:
    """Measures a network's pastiches of all photos in all its styles.

    Args:
        network: a `StyleTransferNetwork`.
        objective: a `StyleObjective` with the same styles.
        photos: float32 (count, height, width, 3) in [0, 1].
        batch_size: photos per pass.

    Returns:
        A list with a dict per style: `style`, and see `losses_of_style`.
    """
    sums: list[dict[str, float]] = [collections.defaultdict(float) for _ in network.styles]
    for part in _batches(photos, batch_size):
        targets = objective.content_targets(photos[part])
        for index, of_style in enumerate(sums):
            _add(of_style, network, objective, photos[part], index, targets)
    return [
        {"style": style.name, **_means(of_style, photos)}
        for style, of_style in zip(network.styles, sums, strict=True)
    ]


def losses_of_style(
    network: Any,
    objective: StyleObjective,
    photos: np.ndarray,
    index: int,
    batch_size: int = 8,
    targets: dict[str, Any] | None = None,
) -> dict[str, float]:
    """Measures a network's pastiches of all photos in one of its styles.

    Args:
        index: the style's number; for the others see `style_losses`.
        targets: the `content_targets` of the photos, which are then not looked at.

    Returns:
        A dict of means over the photos: `content_loss` and `style_loss`, weighted, and the
        unweighted style loss of each style layer.
    """
    sums: dict[str, float] = collections.defaultdict(float)
    for part in _batches(photos, batch_size):
        known = targets and {layer: features[part] for layer, features in targets.items()}
        _add(sums, network, objective, photos[part], index, known)
    return _means(sums, photos)


def losses_of_nearest(
    network: Any, objective: StyleObjective, photos: np.ndarray, styles: Sequence[Style]
) -> list[dict[str, Any]]:
    """Measures how near a network's own styles come to style images that are not among them.

    Args:
        network: a `StyleTransferNetwork`.
        objective: a `StyleObjective` of the style images.
        photos: float32 (count, height, width, 3) in [0, 1].
        styles: of the style images.

    Returns:
        A list with a dict per style image: `style`; `nearest`, the name of the network's style
        whose pastiches have the least style loss against it, other than one called like it; and
        its losses, see `losses_of_style`.
    """
    losses = []
    for old, one_hot in zip(network.styles, np.eye(network.num_styles), strict=True):
        weights = np.tile(one_hot.astype("float32"), (len(photos), 1))
        pastiches = network.predict_on_batch([photos, weights])
        to_all = ops.convert_to_numpy(objective.style_losses_to_all(pastiches)).mean(axis=0)
        losses.append(np.where([style.name == old.name for style in styles], np.inf, to_all))
    nearest = np.argmin(losses, axis=0)
    # Each in the place of the style image that it comes nearest to.
    stand_ins = network.with_styles(styles, network.get_style_embeddings()[nearest])
    return [
        {"style": row["style"], "nearest": network.styles[number].name} | row
        for row, number in zip(style_losses(stand_ins, objective, photos), nearest, strict=True)
    ]


def content_targets(
    objective: StyleObjective, photos: np.ndarray, batch_size: int = 8
) -> dict[str, Any]:
    """The features of photos at the objective's content layers, looked at once.

    For `losses_of_style`, where many networks or styles are measured on the same photos.

    Args:
        objective, photos, batch_size: see `style_losses`.

    Returns:
        A dict of layer names to tensors (count, height / 2^k, width / 2^k, channels).
    """
    parts = [objective.content_targets(photos[part]) for part in _batches(photos, batch_size)]
    return {
        layer: ops.concatenate([part[layer] for part in parts])
        for layer in objective.content_layers
    }


def _batches(photos: np.ndarray, batch_size: int) -> Iterator[slice]:
    return (slice(start, start + batch_size) for start in range(0, len(photos), batch_size))


def _add(
    sums: dict[str, float],
    network: Any,
    objective: StyleObjective,
    batch: np.ndarray,
    index: int,
    targets: dict[str, Any] | None,
) -> None:
    """Adds the losses of a batch of photos painted in one style."""
    ids = np.full(len(batch), index, "int32")
    weights = np.eye(network.num_styles, dtype="float32")[ids]
    pastiches = network.predict_on_batch([batch, weights])
    content, style = objective.layer_losses(batch, ids, pastiches, targets)
    for name, value in (objective.weigh(content, style, ids) | style).items():
        sums[name] += float(np.sum(ops.convert_to_numpy(value), dtype="float64"))


def _means(sums: dict[str, float], photos: np.ndarray) -> dict[str, float]:
    return {name: total / len(photos) for name, total in sums.items()}
