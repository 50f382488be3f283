"""One photo from its file to the files of its pictures."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from cin_style import images
from cin_style.images import files, limits, sheets
from cin_style.painting import large
from cin_style.painting.jobs import Job
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer, at_once

# No picture takes so long to be written, in seconds: older temporary files are nobody's any more.
LONGEST_WRITING = 3600


def paint_photo(
    stylizer: Stylizer,
    job: Job,
    recipe: StylizeRecipe,
    on_picture: Callable[[pathlib.Path], object] | None = None,
) -> list[np.ndarray]:
    """Paints one photo in its styles, and writes the pictures, one after the other.

    Args:
        stylizer: paints.
        job: the photo, the styles and the files, whose folder exists.
        recipe: how it is painted and written; what its job says is not looked at.
        on_picture: called with the path of each picture as soon as it is written.

    Returns:
        Where the recipe asks for a sheet, the photo and then its pictures, uint8, small enough for
        it; else nothing.

    Raises:
        UserError: a photo that can't be read or painted, a picture that can't be written.
    """
    photo = read(job, recipe)
    smalls = [small(photo.pixels)] if recipe.sheet else []
    for target, pastiche in pastiches(stylizer, photo.pixels, job, recipe):
        smalls += write(target, photo, pastiche, recipe)
        if on_picture:
            on_picture(target)
    return smalls


@dataclasses.dataclass(frozen=True)
class PhotoFile:
    """A photo as it was read: uint8 (height, width, 3), and its metadata."""

    pixels: np.ndarray
    metadata: dict[str, bytes]


def read(job: Job, recipe: StylizeRecipe) -> PhotoFile:
    """Reads a job's photo; a `UserError` where no file of its pictures could hold them."""
    pixels = files.load_pixels(
        job.photo, max_side=recipe.max_side, most_pixels=limits.most_pixels()
    )
    for target in job.targets:
        files.check_size(target, *pixels.shape[1::-1])
    return PhotoFile(pixels, images.read_metadata(job.photo))


def pastiches(
    stylizer: Stylizer, photo: np.ndarray, job: Job, recipe: StylizeRecipe
) -> Iterator[tuple[pathlib.Path, np.ndarray]]:
    """The picture for each of a job's files: float32; or in tiles, finished as uint8."""
    side = stylizer.choose_tile(photo, recipe.tile, recipe.statistics)
    if side is not None:
        for target, style in zip(job.targets, job.styles, strict=True):
            yield (
                target,
                large.paint(
                    *(stylizer, photo, style),
                    raw=True,
                    stroke_size=recipe.stroke_size,
                    tile=side,
                    statistics=recipe.statistics,
                    colours=recipe.colours,
                    strength=recipe.strength,
                ),
            )
        return
    # Not all at once: in 32 styles a large photo's pictures would fill the memory.
    step = at_once(*photo.shape[:2])
    for start in range(0, len(job.styles), step):
        some = slice(start, start + step)
        painted = stylizer(
            photo,
            list(job.styles[some]),
            raw=True,
            stroke_size=recipe.stroke_size,
            tile=recipe.tile,
        )
        yield from zip(job.targets[some], painted, strict=True)


def write(
    target: pathlib.Path, photo: PhotoFile, pastiche: np.ndarray, recipe: StylizeRecipe
) -> list[np.ndarray]:
    """Writes a picture, and gives it in the size for a sheet, where there is to be one."""
    picture = pastiche
    if pastiche.dtype != np.uint8:
        if recipe.strength != 1 or recipe.colours != "style":
            below = images.from_uint8(photo.pixels)
            pastiche = images.finish(below, pastiche, recipe.strength, recipe.colours)
        picture = images.to_uint8(pastiche)
    images.save(target, picture, quality=recipe.quality, metadata=photo.metadata)
    return [small(picture)] if recipe.sheet else []


def small(image: np.ndarray) -> np.ndarray:
    """Keeps sheets of many photos from filling the memory. Takes and gives uint8."""
    picture = Image.fromarray(image)
    picture.thumbnail((sheets.CELL, sheets.CELL))
    return np.asarray(picture)
