"""What training minimizes: the losses of style transfer, and the loss network they look through."""

from typing import TYPE_CHECKING

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "functional": [
            "blockiness",
            "checkerboard",
            "content_loss",
            "extreme_activations",
            "gram_matrix",
            "style_loss",
            "total_variation",
        ],
    },
)

# The same for editors and type checkers; a test compares the two.
if TYPE_CHECKING:
    from cin_style.losses.functional import (
        blockiness,
        checkerboard,
        content_loss,
        extreme_activations,
        gram_matrix,
        style_loss,
        total_variation,
    )
