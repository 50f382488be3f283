"""Mask images: which style where."""

from PIL import Image

from cin_style.images import files


def open_mask(mask):
    """A mask (file or `PIL.Image`) as an image of palette mode, or else as RGB.

    Raises:
        UserError: a file that can't be read.
    """
    if not isinstance(mask, Image.Image):
        picture = files.open_rgb(mask)  # checks the file
        with Image.open(mask) as image:
            # An indexed image is wanted as it is.
            mask = image.copy() if image.mode == "P" else picture
    return mask
