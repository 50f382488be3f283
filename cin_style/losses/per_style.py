"""Content and style losses per style on photos that training never saw."""

import collections

import numpy as np
from keras import ops


def style_losses(network, objective, photos, batch_size=8):
    """Measures a network's pastiches of all photos in all its styles.

    Args:
        network: a `StyleTransferNetwork`.
        objective: a `StyleObjective` with the same styles.
        photos: float32 (count, height, width, 3) in [0, 1].
        batch_size: photos per pass.

    Returns:
        A list with a dict per style: `style`, and see `losses_of_style`.
    """
    return [
        {"style": style.name, **losses_of_style(network, objective, photos, index, batch_size)}
        for index, style in enumerate(network.styles)
    ]


def losses_of_style(network, objective, photos, index, batch_size=8):
    """Measures a network's pastiches of all photos in one of its styles.

    Args:
        index: the style's number; for the others see `style_losses`.

    Returns:
        A dict of means over the photos: `content_loss` and `style_loss`, weighted, and the
        unweighted style loss of each style layer.
    """
    sums = collections.defaultdict(float)
    for start in range(0, len(photos), batch_size):
        batch = photos[start : start + batch_size]
        ids = np.full(len(batch), index, "int32")
        weights = np.eye(network.num_styles, dtype="float32")[ids]
        pastiches = network.predict_on_batch([batch, weights])
        content, style = objective.layer_losses(batch, ids, pastiches)
        for name, value in (objective.weigh(content, style, ids) | style).items():
            sums[name] += float(np.sum(ops.convert_to_numpy(value), dtype="float64"))
    return {name: total / len(photos) for name, total in sums.items()}
