"""The recipes of painting: with a network, in blends, and by optimizing pixels."""

import dataclasses
import operator

from cin_style.errors import UserError
from cin_style.images.colour import COLOURS
from cin_style.losses.recipe import LossRecipe, precision_option
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.painting import strokes
from cin_style.recipes import SMALLEST_SIDE, RecipeBase, option

# The least side of tiles, in px: what they read around themselves would be more than they are.
SMALLEST_TILE = 64

# The words that `statistics` takes.
STATISTICS = ("exact", "thumbnail")


def tile_side(tile: str | int | None) -> int | str:
    """What `tile` asks for: a number of px, `"auto"` or `"off"`.

    Raises:
        UserError: it asks for something else.

    Example:

        >>> tile_side("512"), tile_side(None)
        (512, 'auto')
    """
    if tile is None or tile in ("auto", "off"):
        return tile or "auto"
    try:
        side = int(tile) if isinstance(tile, str) else operator.index(tile)
    except (TypeError, ValueError):
        side = 0
    if side < SMALLEST_TILE or isinstance(tile, bool):
        raise UserError(
            f"`tile` must be auto, off or a number of px, at least {SMALLEST_TILE}. Received: "
            f"{tile}"
        )
    return side


@dataclasses.dataclass(frozen=True)
class _PaintRecipe(RecipeBase):
    """What painting photos with a network always asks for."""

    model: str = option(DEFAULT_MODEL, "a .keras file, or the name of a network in the package")
    predictor: str = option(
        "",
        "a file that `train_predictor` wrote, to paint in the styles of images; by default "
        "MODEL.predictor.npz beside the network",
    )
    max_side: int | None = option(
        None, "scale larger photos down to this, in px", least=SMALLEST_SIDE, unit=" px"
    )
    grain: float | None = option(
        None,
        "noise laid over the photo, of which flat regions' strokes are made; by default as much "
        "as the network was made for",
        least=0,
    )
    stroke_size: float = option(
        1.0,
        "how large strokes are beside the picture: 1 as in one of 512 px, 2 twice that; 0: as many "
        "pixels wide as the network makes them",
        least=0,
        most=strokes.MOST,
    )
    tile: str = option(
        "auto",
        "paint in tiles of so many px, in little memory, equal to painting whole; auto does so "
        "where the memory at hand does not suffice, off never",
    )
    statistics: str = option(
        "exact",
        "of what is painted in tiles: thumbnail takes those of a small copy of the photo, which "
        "is faster, needs less disk and is not quite the same picture",
        choices=STATISTICS,
    )

    def __post_init__(self) -> None:
        if isinstance(self.tile, int):
            object.__setattr__(self, "tile", str(self.tile))
        super().__post_init__()
        tile_side(self.tile)
        strokes.check(self.stroke_size)


@dataclasses.dataclass(frozen=True)
class StylizeRecipe(_PaintRecipe):
    """Everything that decides which pictures of which photos are painted.

    Example:

        >>> recipe = StylizeRecipe(photos=["photo.jpg"], style="starry_night", strength=0.8)
        >>> recipe.replace(style="udnie").strength
        0.8
    """

    photos: tuple[str, ...] = option((), "photos, or folders of them")
    style: str = option(
        "all",
        "NAME, NUMBER or all; several with commas; or a blend, A=0.7,B=0.3. An image file in place "
        "of a name: its style, predicted",
    )
    style_image: str = option(
        "", "paint in the style of this image, predicted; several with commas"
    )
    sheet: str = option("", "also write a contact sheet to this file")
    format: str = option("png", "of files in a folder", choices=("png", "jpg", "webp", "tif"))
    quality: int = option(95, "of JPEG and WebP, 1 to 100", least=1, most=100)
    raw_weights: bool = option(False, "keep blend weights as they are; may be negative")
    strength: float = option(1.0, "0 is the photo, 1 the pastiche", least=0, most=1)
    colours: str = option(
        "style",
        "luminance or histogram keep the photo's colours: only the lightness comes from the "
        "pastiche, or its histogram is matched to the photo's",
        choices=COLOURS,
        also=("colors",),
    )
    overwrite: bool = option(
        False, "also paint what lies in the output folder already, painted in the same way"
    )


@dataclasses.dataclass(frozen=True)
class BlendRecipe(_PaintRecipe):
    """Everything that decides in which blends of styles one photo is painted.

    Example:

        >>> BlendRecipe(photo="photo.jpg", styles="starry_night,udnie", across="y").across
        'y'
    """

    photo: str = option("", "a photo")
    styles: str = option("", "names, numbers or images: two for a strip, four for a grid")
    steps: int | None = option(None, "blends from style to style (9; in a grid 5)", least=2)
    across: str = option("", "change across one picture", choices=("", "x", "y", "radial"))
    mask: str = option("", "grey or indexed image: which style where")
    soften: float = option(0.0, "standard deviation in px that softens mask edges", least=0)

    def check(self) -> None:
        super().check()
        if sum(map(bool, (self.mask, self.across, self.steps))) > 1:
            raise UserError(
                "give only one of `mask`, `across` and `steps`: each is another picture."
            )
        if self.soften and not self.mask:
            raise UserError("`soften` is for the edges of a `mask`.")


@dataclasses.dataclass(frozen=True)
class OptimizeRecipe(LossRecipe):
    """Everything that decides what optimizing the pixels of one picture computes.

    Example:

        >>> recipe = OptimizeRecipe(content="photo.jpg", style="painting.jpg", iterations=100)
        >>> recipe.optimizer
        'lbfgs'
    """

    content: str = option("", "the photo")
    style: str = option("", "the style image")
    iterations: int = option(500, "iterations in all, shared equally among the stages", least=1)
    optimizer: str = option("lbfgs", "lbfgs or adam", choices=("lbfgs", "adam"))
    learning_rate: float = option(
        0.02, "Adam's learning rate, in shares of the value range", above=0
    )
    init: str = option(
        "content", "begin with the photo or with noise", choices=("content", "noise")
    )
    seed: int = option(0, "of the noise to begin with", least=0, most=2**32 - 1)
    stages: int = option(
        2, "sizes to work at, each twice the one before, the last one whole", least=1
    )
    max_side: int = option(
        512, "scale a larger photo down to this, in px", least=SMALLEST_SIDE, unit=" px"
    )
    precision: str = precision_option("float32")

    def check(self) -> None:
        super().check()
        if self.iterations < self.stages:
            raise UserError(
                f"`iterations` must be at least `stages`, one for each. Received: {self.iterations}"
            )
