"""A trained network whose pictures a smaller one learns to paint (distillation)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.losses import functional
from cin_style.networks.style_transfer import StyleTransferNetwork


class Teacher(keras.layers.Layer):
    """What a trained network makes of photos, to be met by one that learns (Hinton et al. 2015).

    Call it with `[images, style_ids]`: photos (batch, height, width, 3) in [0, 1], int (batch,).
    It gives the pastiches, shaped like the photos. It is never trained.

    Args:
        network: the trained one, of which a copy is made.
        names: of the styles, in the order of `style_ids`; the network has all of them.
        weight: of the loss.
        precision: dtype policy to paint in.

    Raises:
        UserError: see `check_teaches`.
    """

    # What the loss is called in logs.
    TERM: ClassVar[str] = "teacher_loss"

    def __init__(
        self, network: StyleTransferNetwork, names: Sequence[str], weight: float, precision: str
    ) -> None:
        super().__init__(trainable=False, autocast=False, dtype="float32")
        check_teaches(network, names)
        self.weight = weight
        copy = network.with_styles(["any"], dtype=precision)
        copy.trainable = False
        self.painter = copy.painting_graph()
        table = np.stack([network.get_style_embedding(name) for name in names])
        self.embeddings = self.add_weight(
            name="embeddings", shape=table.shape, initializer="zeros", trainable=False
        )
        self.embeddings.assign(table)

    def call(self, inputs: Any) -> Any:
        images, style_ids = inputs
        embeddings = ops.take(ops.convert_to_tensor(self.embeddings), style_ids, axis=0)
        ones = ops.ones_like(embeddings[:, :1])
        given = [images, ops.expand_dims(embeddings, 1), ones]
        return ops.stop_gradient(self.painter(given, training=False))

    def loss(self, pastiches: Any, wanted: Any, margin: int) -> Any:
        """The weighted mean squared difference of pictures, float32 (batch,).

        Args:
            pastiches, wanted: (batch, height, width, 3).
            margin: so many px on each side are not looked at.
        """
        one, two = (functional.inner(pictures, margin) for pictures in (pastiches, wanted))
        return self.weight * functional.content_loss(one, two)


def check_teaches(network: StyleTransferNetwork, names: Sequence[str]) -> None:
    """Raises a `UserError` unless a network has all of these styles."""
    known = {style.name for style in network.styles}
    if missing := [name for name in names if name not in known]:
        raise UserError(
            f"`teacher` has no style {', '.join(missing)}. It can teach its own alone: "
            "`style_names` trains some of the styles."
        )
