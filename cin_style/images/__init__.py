"""Pictures as arrays: float32 RGB (height, width, 3) in [0, 1]."""

from typing import TYPE_CHECKING

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "colour": ["finish", "keep_colours", "mix"],
        "files": ["from_uint8", "load", "open_rgb", "save", "to_uint8"],
        "grain": ["add_grain"],
        "masks": ["open_mask"],
        "metadata": ["read_metadata"],
        "samples": ["sample_photos"],
        "search": ["find", "scan"],
        "sheets": ["contact_sheet", "style_sheet"],
    },
)

# The same for editors and type checkers; a test compares the two.
if TYPE_CHECKING:
    from cin_style.images.colour import finish, keep_colours, mix
    from cin_style.images.files import (
        from_uint8,
        load,
        open_rgb,
        save,
        to_uint8,
    )
    from cin_style.images.grain import add_grain
    from cin_style.images.masks import open_mask
    from cin_style.images.metadata import read_metadata
    from cin_style.images.samples import sample_photos
    from cin_style.images.search import find, scan
    from cin_style.images.sheets import contact_sheet, style_sheet
