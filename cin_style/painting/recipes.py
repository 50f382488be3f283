"""The recipes of painting: with a network, in blends, and by optimizing pixels."""

import dataclasses
import math
import operator

from cin_style.errors import UserError
from cin_style.images.colour import COLOURS
from cin_style.losses.recipe import REMEMBERED, LossRecipe, ObjectiveRecipe, precision_option
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.painting import strokes
from cin_style.recipes import SMALLEST_SIDE, RecipeBase, option, unset
from cin_style.runtimes.formats import RUNTIMES

# The least side of tiles, in px: what they read around themselves would be more than they are.
SMALLEST_TILE = 64

# The most segments that can be asked for.
MOST_SEGMENTS = 12

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
    runtime: str = option(
        "auto",
        "what computes the pictures; auto takes the fastest one installed",
        choices=("auto", *RUNTIMES),
    )
    precision: str = option(
        "float32",
        "bfloat16: in about half the time on processors that compute in it (Intel's with AMX, "
        "AMD's from Zen 4 on), a picture that differs by rounding; by OpenVINO or Keras",
        choices=("float32", "bfloat16"),
    )
    statistics: str = option(
        "exact",
        "of what is painted in tiles: thumbnail takes those of a small copy of the photo, which "
        "is faster, needs less disk and is not quite the same picture",
        choices=STATISTICS,
    )

    @property
    def dtype(self) -> str | None:
        """What a `Stylizer` is to compute in."""
        return None if self.precision == "float32" else self.precision

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
        "of a name: its style, predicted; or a style card",
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
    engine: str = option(
        "here",
        "ray: photos are painted by the machines of a Ray cluster; photos and output may be URLs, "
        "such as s3://bucket/folder",
        choices=("here", "ray"),
    )
    address: str = option(
        "local",
        "with engine ray: of the cluster; local: one on this machine; auto: the one that this "
        "machine is part of; ray://HOST:PORT",
    )
    workers: int | None = option(
        None,
        "with engine ray: painters at a time; by default one for each of the cluster's GPUs, or "
        "else CPUs",
        least=1,
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
    styles: str = option("", "names, numbers, images or cards: two for a strip, four for a grid")
    steps: int | None = option(
        None, "blends from style to style (9; in a grid 5)", least=2, most=1000
    )
    across: str = option("", "change across one picture", choices=("", "x", "y", "radial"))
    mask: str = option("", "grey or indexed image: which style where")
    soften: float = option(
        0.0, "standard deviation in px that softens mask edges", least=0, most=10_000
    )

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


# The ways of photorealistic transfer.
METHODS = ("grid", "pixels", "colours")


@dataclasses.dataclass(frozen=True)
class PhotorealRecipe(ObjectiveRecipe):
    """Everything that decides how one photo takes the light and colours of another.

    Example:

        >>> recipe = PhotorealRecipe(content="day.jpg", style="dusk.jpg", method="colours")
        >>> recipe.segments
        'auto'
    """

    content: str = option("", "the photo")
    style: str = option("", "the photo whose light and colours it takes")
    content_mask: str = option(
        "", "segments of the photo, one colour each: a PNG; soft edges are allowed"
    )
    style_mask: str = option("", "segments of the other photo, in the same colours")
    segments: str = option(
        "auto",
        "without masks: auto, or how many to find; none; or a network that knows things by name: "
        "an .onnx file, or a preset of keras-hub such as segformer_b0_ade20k_512",
    )
    method: str = option(
        "grid",
        "colours: an affine map of colours a segment, at once; grid: maps that change with place "
        "and lightness, learned; pixels: each pixel (Luan et al. 2017)",
        choices=METHODS,
    )
    work_side: int = option(
        320,
        "long side, in px, at which segments are found and the losses computed; the picture is as "
        "large as the photo",
        least=64,
        unit=" px",
    )
    iterations: int | None = option(None, "of L-BFGS (grid: 12, pixels: 400)", least=2)
    content_weight: float | None = option(  # type: ignore[assignment]
        None,
        "weight of content layers that have none of their own (grid: 10, against the photo in its "
        "new colours; pixels: 0.05, against the photo as it was)",
        least=0,
    )
    style_weight: float = option(
        1e-4, "weight of style layers that have none of their own", least=0
    )
    content_layers: str = option(
        "",
        "its layers: name[=weight],...; by default block4_conv2, or block3_conv1 where the "
        "weights of the loss network end at block 3",
    )
    style_layers: str = option(
        "", "its layers: name[=weight],...; by default conv1 of blocks 1 to 5, or to 3"
    )
    gram_normalization: float = option(
        1.0,
        "0: the papers' style loss; 1: every segment's loss relative to its own Gram energy",
        least=0,
        most=1,
    )
    smoothness: float = option(
        1e6, "grid: weight of differences between neighbouring cells", least=0
    )
    matting_weight: float = option(1e4, "pixels: weight of the matting Laplacian's energy", least=0)
    nima: str = option(
        "", "weights of NIMA, a MobileNet, trained on AVA: gives scores from 1 to 10"
    )
    nima_weight: float = option(0.0, "with `nima`: weight of 10 minus the picture's score", least=0)
    save_masks: str = option("", "a folder for the segments, as content.png and style.png")
    seed: int = option(0, "of the search for segments", least=0, most=2**32 - 1)
    precision: str = precision_option("float32")

    def check(self) -> None:
        super().check()
        if bool(self.content_mask) != bool(self.style_mask):
            raise UserError(
                "give `content_mask` and `style_mask`, in which the same colour stands for what "
                "belongs together, or neither."
            )
        if self.nima_weight and not self.nima:
            raise UserError("`nima_weight` needs the weights of NIMA: name them with `nima`.")
        if self.nima_weight and self.method == "colours":
            raise UserError("`colours` learns nothing: take another `method` for `nima_weight`.")
        if self.segments.isdecimal() and not 1 <= int(self.segments) <= MOST_SEGMENTS:
            raise UserError(
                f"`segments` must be from 1 to {MOST_SEGMENTS}. Received: {self.segments}"
            )


# What a picture may be for an object that is set into it.
KINDS = ("auto", "photo", "painting")


@dataclasses.dataclass(frozen=True)
@unset(*(name for name in REMEMBERED if name != "style_size"))
class CompositeRecipe(ObjectiveRecipe):
    """Everything that decides how an object is set into a picture.

    Fields of the loss that are `None` are what the network was trained with.

    Example:

        >>> CompositeRecipe(object="cat.png", at="50%,120").place((400, 600))
        (300.0, 120.0)
    """

    object: str = option("", "the picture that holds the object, with transparency; or with:")
    mask: str = option("", "white where the object is, of its picture's size: a PNG")
    box: str = option(
        "", "X,Y,W,H in px: a box around the object, which is found in it (needs OpenCV)"
    )
    into: str = option("", "the picture that the object is set into")
    at: str = option("50%,50%", "X,Y: where the middle of the object goes, in px or %")
    scale: float = option(1.0, "how large the object becomes; 1: as it is, pixel by pixel", above=0)
    kind: str = option(
        "auto",
        "what the picture is: into a photo, the object gets its light; into a painting, it is "
        "painted",
        choices=KINDS,
        also=("as",),
    )
    relight: float = option(
        0.5,
        "into a photo: how far the object's colours go towards those of its surroundings",
        least=0,
        most=1,
    )
    edge: str = option(
        "soft",
        "into a photo: soft, as the object was cut out; or poisson: what differs along the edge is "
        "made up for over all of the object",
        choices=("soft", "poisson"),
    )
    model: str = option(DEFAULT_MODEL, "into a painting: the network that paints the object")
    predictor: str = option(
        "", "tells the painting's style; by default MODEL.predictor.npz beside the network"
    )
    steps: int = option(
        16, "into a painting: steps of fine-tuning, from the predicted style", least=0
    )
    refine: int = option(
        0, "into a painting: iterations of optimizing the object's pixels after that", least=0
    )
    band: float = option(
        0.03,
        "into a painting: around the object, over so many of its lengths, what is painted goes "
        "over into the picture",
        least=0,
        most=1,
    )
    precision: str = precision_option("float32")

    def check(self) -> None:
        super().check()
        if self.mask and self.box:
            raise UserError("give `mask` or `box`: either says what the object is.")
        self.place((1, 1))

    def place(self, size: tuple[int, int]) -> tuple[float, float]:
        """Where the middle of the object goes in a picture of a size (height, width): (x, y) px.

        Raises:
            UserError: `at` is no place.
        """
        parts = [part.strip() for part in self.at.split(",")]
        try:
            x, y = (
                float(part[:-1]) / 100 * side if part.endswith("%") else float(part)
                for part, side in zip(parts, size[::-1], strict=True)
            )
        except ValueError:
            x = y = math.nan
        if not (math.isfinite(x) and math.isfinite(y)):
            raise UserError(f"`at` must be X,Y in px, or in % of the picture. Received: {self.at}")
        return x, y
