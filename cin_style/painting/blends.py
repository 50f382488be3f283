"""Blends of one photo as pictures: strips, grids, blends across it, masks, animated walks."""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from cin_style import images, progress
from cin_style.errors import UserError
from cin_style.files import writable_folder
from cin_style.images import files, limits, masks, search, sheets
from cin_style.networks.styled import Styled
from cin_style.painting import large, predicted
from cin_style.painting.jobs import cut, names_a_file
from cin_style.painting.recipes import BlendRecipe
from cin_style.painting.stylizer import Stylizer, painted_by
from cin_style.runtimes import choice
from cin_style.styles import blends
from cin_style.styles.style import find_all

_LOG = logging.getLogger("cin_style")

_WALK_FRAME_MS = 120


def blend(
    recipe: BlendRecipe,
    output: str | os.PathLike,
    *,
    network: Styled | None = None,
) -> pathlib.Path:
    """Paints one photo in blends of two or more styles, to a file or a folder.

    - `mask`: one picture, each style where the mask says (`images.masks.shares`).
    - `across`: one picture that changes from the first style to the second.
    - an output that ends in `.webp`: an animation that walks from style to style and back
      to the first, `steps` frames between two.
    - two styles: a strip of `steps` blends from one to the other.
    - four styles: a grid of `steps` x `steps` blends, one style at each corner.

    Pictures and animations keep the photo's ICC profile and EXIF data; the sheet that shows a
    strip or grid keeps the profile.

    Args:
        recipe: the photo, the styles and how they are blended.
        output: an image file, or a folder, which gets every blend by itself and the sheet.
        network: in place of the one that `recipe.model` names.

    Returns:
        The path of the picture, sheet or animation.

    Raises:
        UserError: bad arguments or files.

    Example:

        recipe = cin_style.BlendRecipe(photo="photo.jpg", styles="starry_night,udnie", steps=5)
        cin_style.blend(recipe, "strip.png")
        cin_style.blend(recipe.replace(steps=None, across="x"), "across.png")
    """
    output = pathlib.Path(output)
    _check(recipe, output)
    painter = choice.open_network(
        recipe.model if network is None else network, recipe.runtime, recipe.dtype
    )
    asked = predicted.for_blend(recipe, painter, known=network is None)
    network, recipe = asked.network, recipe.replace(styles=asked.text)
    names = [network.styles[index].name for index in find_all(network.styles, recipe.styles)]
    kind = _kind(recipe, output, len(names))
    target, singles = _targets(recipe, output, kind)
    read = filter(None, [recipe.photo, recipe.mask, *asked.images])
    search.refuse_overwriting(read, [target, *singles])
    scene = _prepare(recipe, network, names)
    if kind in ("mask", "across", "walk"):  # as large as the photo; sheets are smaller
        files.check_size(target, *scene.photo.shape[1::-1])
    writable_folder(target.parent)
    _write(kind, recipe, scene, target, singles)
    _LOG.info("wrote %s%s", target, painted_by(scene.stylizer))
    return target


def _kind(recipe: BlendRecipe, output: pathlib.Path, count: int) -> str:
    """Which kind of picture, of those below, a recipe of so many styles asks for."""
    if count < 2:
        raise UserError(f"a blend needs at least two `styles`: a,b. Received: {recipe.styles}")
    if recipe.mask:
        return "mask"
    if recipe.across:
        if count == 2:
            return "across"
        raise UserError(f"`across` goes between two styles. Received: {count}")
    if names_a_file(output) and output.suffix.lower() == ".webp":
        return "walk"
    if count == 2:
        return "strip"
    if count == 4:
        return "grid"
    raise UserError(
        f"a strip goes between two styles and a grid between four, but {count} are given. For "
        "more, walk through them: `output` NAME.webp."
    )


# === The kinds of pictures ===


@dataclasses.dataclass(frozen=True)
class Scene:
    """What every kind of picture is painted from.

    Attributes:
        stylizer: paints; its network has the styles asked for alone.
        photo: uint8 (height, width, 3).
        metadata: the photo's, for `images.save`.
        rows: the weights of each style asked for, float32 (num_styles,), one of them 1.
        names: of the same styles.
        mask: where there is one, of the photo's size.
        side: of the tiles it is painted in, in px; `None`: whole.
        stroke_size: see `Stylizer.__call__`.
        tile: what was asked for, see `Stylizer.__call__`.
        statistics: see `Stylizer.tiled`.
    """

    stylizer: Stylizer
    photo: np.ndarray
    metadata: dict[str, bytes]
    rows: Sequence[np.ndarray]
    names: Sequence[str]
    mask: Image.Image | None = None
    side: int | None = None
    stroke_size: float = 1.0
    tile: str = "auto"
    statistics: str = "exact"

    def paint(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """A picture, float32 (height, width, 3), for each row of style weights."""
        for row in progress.track(list(rows), "picture"):
            yield self.paint_one(row)

    def paint_one(self, style: Any) -> np.ndarray:
        """A picture in one blend or map, float32 or, painted in tiles, uint8."""
        options: dict[str, Any] = {"stroke_size": self.stroke_size}
        if self.side is None:
            return self.stylizer(self.photo, style, tile=self.tile, **options)
        options |= {"tile": self.side, "statistics": self.statistics}
        return large.paint(self.stylizer, self.photo, style, **options)


def strip(scene: Scene, steps: int = 9) -> Iterator[np.ndarray]:
    """`steps` pictures from the first style to the second."""
    return scene.paint(blends.path(scene.rows[0], scene.rows[1], steps))


def grid(scene: Scene, steps: int = 5) -> Iterator[np.ndarray]:
    """`steps` x `steps` pictures, row by row, with one of four styles at each corner."""
    return scene.paint(blends.grid(scene.rows, steps).reshape(steps * steps, -1))


def walk(scene: Scene, steps: int = 9) -> Iterator[np.ndarray]:
    """Frames from style to style and back to the first, `steps` between two."""
    return scene.paint(blends.walk(scene.rows, steps))


def across(scene: Scene, direction: str = "x") -> np.ndarray:
    """One picture from the first style to the second, see `styles.blends.across`."""
    size = scene.photo.shape[0], scene.photo.shape[1]
    return scene.paint_one(blends.Across(size, scene.rows[0], scene.rows[1], direction))


def masked(scene: Scene, mask: Image.Image, soften: float = 0.0) -> np.ndarray:
    """One picture, each style where the mask says, see `styles.blends.mask_map`."""
    size = scene.photo.shape[0], scene.photo.shape[1]
    return scene.paint_one(blends.MaskMap(mask, scene.rows, size, soften))


# === Arguments and files ===


def _check(recipe: BlendRecipe, output: pathlib.Path) -> None:
    """Refuses what does not go together."""
    if not recipe.photo:
        raise UserError("no photo to paint. Give `photo`.")
    if names_a_file(output):
        files.check_writable_format(output)


def _prepare(recipe: BlendRecipe, network: Styled, names: Sequence[str]) -> Scene:
    # A map holds a weight for every style and pixel, so only these few styles.
    few = network.select(list(dict.fromkeys(names)))
    whole = files.open_rgb(recipe.photo, most_pixels=limits.most_pixels())
    photo = np.asarray(files.scaled(whole, max_side=recipe.max_side))
    stylizer = Stylizer(few, recipe.dtype, recipe.grain, recipe.runtime)
    return Scene(
        stylizer=stylizer,
        photo=photo,
        metadata=images.read_metadata(recipe.photo),
        rows=[blends.weights(few.styles, name) for name in names],
        names=names,
        mask=_scaled_mask(recipe.mask, whole.size, photo) if recipe.mask else None,
        side=stylizer.choose_tile(photo, recipe.tile, recipe.statistics),
        stroke_size=recipe.stroke_size,
        tile=recipe.tile,
        statistics=recipe.statistics,
    )


def _scaled_mask(path: str, size: tuple[int, int], photo: np.ndarray) -> Image.Image:
    """The mask of a photo of this width and height, scaled like the photo has been."""
    mask = masks.open_mask(path)
    masks.check_size(mask, size[1], size[0])
    method = Image.Resampling.NEAREST if mask.mode == "P" else Image.Resampling.LANCZOS
    return mask.resize(photo.shape[1::-1], method)


def _steps(recipe: BlendRecipe, kind: str) -> int:
    return recipe.steps or (5 if kind == "grid" else 9)


def _targets(
    recipe: BlendRecipe, output: pathlib.Path, kind: str
) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """Where the picture goes, and in a folder the single blends of a strip or grid."""
    if names_a_file(output):
        return output, []
    if kind in ("strip", "grid"):
        count = _steps(recipe, kind) ** (2 if kind == "grid" else 1)
        return output / "sheet.png", [output / f"blend_{n:02}.png" for n in range(count)]
    # File names end at 255 bytes.
    return output / f"{cut(pathlib.Path(recipe.photo).stem, 200)}_blend.png", []


def _write(
    kind: str,
    recipe: BlendRecipe,
    scene: Scene,
    target: pathlib.Path,
    singles: Sequence[pathlib.Path],
) -> None:
    """Paints a kind of picture, and writes it."""
    steps = _steps(recipe, kind)
    if scene.mask is not None:
        picture = masked(scene, scene.mask, recipe.soften)
        images.save(target, picture, metadata=scene.metadata)
    elif kind == "across":
        images.save(target, across(scene, recipe.across), metadata=scene.metadata)
    elif kind == "walk":
        frames = walk(scene, steps)
        files.save_animation(target, frames, milliseconds=_WALK_FRAME_MS, metadata=scene.metadata)
    elif kind == "strip":
        pictures = _keep(strip(scene, steps), singles, scene)
        shares = [f"{index / (steps - 1):.0%}" for index in range(1, steps - 1)]
        captions = [scene.names[0], *shares, scene.names[1]]
        _save_sheet(target, sheets.contact_sheet([pictures], column_labels=captions), scene)
    else:
        pictures = _keep(grid(scene, steps), singles, scene)
        rows = [pictures[start : start + steps] for start in range(0, len(pictures), steps)]
        above, below = (
            [left, *[""] * (steps - 2), right] for left, right in (scene.names[:2], scene.names[2:])
        )
        sheet = sheets.contact_sheet(rows, column_labels=above, bottom_labels=below)
        _save_sheet(target, sheet, scene)


def _keep(
    pictures: Iterable[np.ndarray], singles: Sequence[pathlib.Path], scene: Scene
) -> list[np.ndarray]:
    """Pictures for a sheet, uint8; each is also written to a file of its own if there are some."""
    kept = []
    for number, picture in enumerate(pictures):
        if singles:
            images.save(singles[number], picture, metadata=scene.metadata)
        kept.append(picture if picture.dtype == np.uint8 else images.to_uint8(picture))
    return kept


def _save_sheet(target: pathlib.Path, sheet: np.ndarray, scene: Scene) -> None:
    # Its colours are the photo's; but it is no photo, so when and where that was taken stays out.
    profile = {key: value for key, value in scene.metadata.items() if key == "icc_profile"}
    images.save(target, sheet, metadata=profile)
