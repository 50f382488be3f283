"""Painting photos from files to files: a plan, the painting of one photo, and all of them."""

import collections
import dataclasses
import itertools
import logging
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tqdm
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.images import files, limits, sheets
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.painting import large, tiles
from cin_style.painting import stylizer as painting
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.styles import blends
from cin_style.styles.style import Style, find_all

_LOG = logging.getLogger("cin_style")

# In bytes. File names end at 255, and while it is being written a file has a longer one.
_LONGEST_NAME = 240
_LONGEST_STYLE = 120


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to paint: in which styles, into which files.

    It holds names and numbers alone, so that another process or machine can do it.

    Attributes:
        photo: the file.
        names: of the styles or the blend, as in the names of files.
        styles: the same as `Stylizer` takes them with `raw=True`: a name, or a dict of names to
            weights.
        targets: the file of each picture.
    """

    photo: pathlib.Path
    names: tuple[str, ...]
    styles: tuple[str | dict[str, float], ...]
    targets: tuple[pathlib.Path, ...]


def stylize(
    recipe: StylizeRecipe,
    output: str | os.PathLike,
    *,
    network: StyleTransferNetwork | None = None,
) -> list[pathlib.Path]:
    """Paints photos from files in one or more styles, to files.

    ICC profile and EXIF data of the photos are kept.

    Args:
        recipe: what to paint, in which styles, and how.
        output: a folder, which gets `<photo>_<style>.<format>` for each; or, for one photo in one
            style, a file name. A folder inside of a folder of photos is left out of the search.
        network: in place of the one that `recipe.model` names.

    Returns:
        The paths of the pictures written, and of the sheet where there is one.

    Raises:
        UserError: see `plan`, `Stylizer`; photos that can't be painted are named at the end, after
            all others have been.

    Example:

        recipe = cin_style.StylizeRecipe(photos=["holiday/"], style="starry_night,udnie")
        cin_style.stylize(recipe, "painted/")
    """
    stylizer = Stylizer(recipe.model if network is None else network, grain=recipe.grain)
    jobs = plan(recipe, output, stylizer.network.styles)
    writable_folder(jobs[0].targets[0].parent)
    if recipe.sheet:
        writable_folder(pathlib.Path(recipe.sheet).parent)
    written, rows, failures = _paint_all(stylizer, jobs, recipe)
    if recipe.sheet and rows:
        images.save(recipe.sheet, sheets.style_sheet(rows, jobs[0].names))
    count = f"{len(written)} {'picture' if len(written) == 1 else 'pictures'}"
    if failures:
        raise UserError("; ".join(failures) + (f" (written: {count})" if written else ""))
    if not recipe.sheet:
        _LOG.info("wrote %s to %s", count, output)
        return written
    _LOG.info("wrote %s to %s, and the sheet %s", count, output, recipe.sheet)
    return [*written, pathlib.Path(recipe.sheet)]


def plan(recipe: StylizeRecipe, output: str | os.PathLike, styles: Sequence[Style]) -> list[Job]:
    """What it takes to paint a recipe's photos. Looks for them, and writes nothing.

    Args:
        recipe, output: see `stylize`.
        styles: the network's.

    Returns:
        A job for each photo. No two pictures share a file, and none lies on a photo.

    Raises:
        UserError: see `images.find`; an unknown style, bad weights, an output that is a folder of
            photos, that would overwrite one, or that is one file for several pictures; a sheet
            that would overwrite a photo or picture.
    """
    output = pathlib.Path(output)
    photos = _find_photos(recipe.photos, output)
    chosen = choose(styles, recipe.style, recipe.raw_weights)
    names = tuple(chosen)
    jobs = [
        Job(photo, names, tuple(chosen.values()), targets)
        for photo, targets in zip(
            photos, _targets(photos, names, output, recipe.format), strict=True
        )
    ]
    files.refuse_overwriting(photos, (target for job in jobs for target in job.targets))
    if recipe.sheet:
        files.check_writable_format(recipe.sheet)
        files.refuse_overwriting(photos, [recipe.sheet], argument="sheet")
        if os.path.abspath(recipe.sheet) in {
            os.path.abspath(target) for job in jobs for target in job.targets
        }:
            raise UserError(f"{recipe.sheet} is one of the pictures, too. Choose another `sheet`.")
    return jobs


def paint_photo(
    stylizer: Stylizer,
    job: Job,
    recipe: StylizeRecipe,
    on_picture: Callable[[pathlib.Path], object] | None = None,
) -> list[np.ndarray]:
    """Paints one photo in its styles, and writes the pictures.

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
    pixels = files.load_pixels(job.photo, max_side=recipe.max_side, most_pixels=limits.MOST_PIXELS)
    metadata = images.read_metadata(job.photo)
    for target in job.targets:
        files.check_size(target, *pixels.shape[1::-1])
    side = tiles.choose_side(pixels.shape, recipe.tile, recipe.statistics)
    if side is not None:
        return _paint_large(stylizer, pixels, metadata, side, job, recipe, on_picture)
    photo = images.from_uint8(pixels)
    small = [_small(photo)] if recipe.sheet else []
    # Not all at once: in 32 styles a large photo's pictures would fill the memory.
    for start in range(0, len(job.styles), painting.MOST_AT_ONCE):
        some = slice(start, start + painting.MOST_AT_ONCE)
        pastiches = stylizer(photo, list(job.styles[some]), raw=True, tile=recipe.tile)
        for target, pastiche in zip(job.targets[some], pastiches, strict=True):
            kept = images.keep_colours(photo, pastiche, recipe.colours)
            picture = images.mix(photo, kept, recipe.strength)
            images.save(target, picture, quality=recipe.quality, metadata=metadata)
            if recipe.sheet:
                small.append(_small(picture))
            if on_picture:
                on_picture(target)
    return small


def _paint_large(
    stylizer: Stylizer,
    photo: np.ndarray,
    metadata: dict[str, bytes],
    side: int,
    job: Job,
    recipe: StylizeRecipe,
    on_picture: Callable[[pathlib.Path], object] | None,
) -> list[np.ndarray]:
    """What `paint_photo` does, in tiles of `side` px and a style at a time; `photo` is uint8."""
    small = [_small(photo)] if recipe.sheet else []
    for target, style in zip(job.targets, job.styles, strict=True):
        picture = large.paint(
            *(stylizer, photo, style),
            raw=True,
            tile=side,
            statistics=recipe.statistics,
            colours=recipe.colours,
            strength=recipe.strength,
        )
        images.save(target, picture, quality=recipe.quality, metadata=metadata)
        if recipe.sheet:
            small.append(_small(picture))
        if on_picture:
            on_picture(target)
    return small


def _paint_all(
    stylizer: Stylizer, jobs: Sequence[Job], recipe: StylizeRecipe
) -> tuple[list[pathlib.Path], list[list[np.ndarray]], list[str]]:
    """Paints photo after photo; returns the files written, rows for the sheet, and failures."""
    written: list[pathlib.Path] = []
    rows, failures = [], []
    total = sum(len(job.targets) for job in jobs)
    with tqdm.tqdm(total=total, unit="picture", disable=total < 4) as bar:

        def note(target: pathlib.Path) -> None:
            written.append(target)
            bar.update()

        for job in jobs:
            after = bar.n + len(job.targets)
            try:
                rows.append(paint_photo(stylizer, job, recipe, note))
            except UserError as error:
                named = str(job.photo) in str(error)
                failures.append(str(error) if named else f"{job.photo}: {error}")
                bar.update(after - bar.n)
    return written, rows, failures


def names_a_file(output: pathlib.Path) -> bool:
    """Whether an `output` is meant as one file (it has a suffix), not as a folder."""
    return bool(output.suffix) and not output.is_dir()


def _find_photos(photos: Sequence[str], output: pathlib.Path) -> list[pathlib.Path]:
    """The photos, without what earlier runs have painted into the output folder."""
    if not photos:
        raise UserError("no photo to paint. Give `photos`: files, or folders of them.")
    if output.is_dir():
        for path in photos:
            if os.path.isdir(path) and os.path.samefile(path, output):
                raise UserError(
                    f"the output folder {output} is a folder of photos, too: next time, what was "
                    f"painted would be painted again. Choose another `output`, such as "
                    f"{output / 'painted'}."
                )
    return list(dict.fromkeys(images.find(photos, without=[output])))


def choose(
    styles: Sequence[Style], text: str, raw: bool = False
) -> dict[str, str | dict[str, float]]:
    """The styles or the blend that a text asks for.

    Args:
        styles: the network's.
        text: see `blends.parse`.
        raw: see `blends.weights`.

    Returns:
        A dict of names for files to what `Job.styles` holds.

    Raises:
        UserError: see `blends.parse` and `blends.weights`.

    Example:

        >>> styles = [Style("starry_night"), Style("the_scream")]
        >>> choose(styles, "1,starry_night")
        {'the_scream': 'the_scream', 'starry_night': 'starry_night'}
        >>> choose(styles, "starry_night=3,the_scream=1")
        {'starry_night_0.75_the_scream_0.25': {'starry_night': 0.75, 'the_scream': 0.25}}
    """
    parsed = blends.parse(text)
    if isinstance(parsed, dict):
        row = blends.weights(styles, parsed, raw)
        blend = {
            style.name: float(weight) for style, weight in zip(styles, row, strict=True) if weight
        }
        name = "_".join(f"{style}_{weight:.2g}" for style, weight in blend.items())
        return {cut(name, _LONGEST_STYLE): blend}
    chosen: dict[str, str | dict[str, float]] = {}
    taken: set[str] = set()
    for style in dict.fromkeys(styles[index].name for index in find_all(styles, parsed)):
        # Long names may be alike once cut, and capitals don't tell files apart everywhere.
        for name in _numbered(style, _LONGEST_STYLE):
            if name.casefold() not in taken:
                break
        taken.add(name.casefold())
        chosen[name] = style
    return chosen


def _targets(
    photos: Sequence[pathlib.Path], names: Sequence[str], output: pathlib.Path, file_format: str
) -> list[tuple[pathlib.Path, ...]]:
    """Where each photo's pictures go, all different."""
    if names_a_file(output):
        files.check_writable_format(output)
        if len(photos) * len(names) != 1:
            raise UserError(
                f"`output` {output} is one file, but {len(photos)} photos in {len(names)} styles "
                "are asked for. Give a folder."
            )
        return [(output,)]
    endings = [f"_{name}.{file_format}" for name in names]
    room = _LONGEST_NAME - max(len(os.fsencode(ending)) for ending in endings)
    stems = collections.Counter(path.stem for path in photos)
    rows = []
    taken: set[str] = set()
    for path in photos:
        stem = path.stem
        if stems[stem] > 1:
            # Two photos of one name get their folder's name, too.
            stem = f"{path.absolute().parent.name}_{path.name.replace('.', '_')}"
        for unique in _numbered(stem, room):
            row = [unique + ending for ending in endings]
            folded = [name.casefold() for name in row]
            if taken.isdisjoint(folded):
                break
        taken.update(folded)
        rows.append(tuple(output / name for name in row))
    return rows


def _numbered(text: str, length: int) -> Iterator[str]:
    """What to call a file `text`, and what where that is taken: `text_2`, `text_3`, ..."""
    yield cut(text, length)
    for number in itertools.count(2):
        yield cut(text, length - len(f"_{number}")) + f"_{number}"


def cut(text: str, length: int) -> str:
    """The beginning of a text, at most so many bytes, which is what file names are counted in.

    Example:

        >>> cut("Gemälde", 5), cut("Gemälde", 4)
        ('Gemä', 'Gem')
    """
    while len(os.fsencode(text)) > length:
        text = text[:-1]
    return text


def _small(image: np.ndarray) -> np.ndarray:
    """Keeps sheets of many photos from filling the memory."""
    picture = Image.fromarray(image if image.dtype == np.uint8 else images.to_uint8(image))
    picture.thumbnail((sheets.CELL, sheets.CELL))
    return np.asarray(picture)
