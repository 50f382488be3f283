"""The networks that paint: layers, the style transfer network, files and style cards."""

from typing import TYPE_CHECKING

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=["layers"])

# The same for editors and type checkers; a test compares the two.
if TYPE_CHECKING:
    from cin_style.networks import layers
