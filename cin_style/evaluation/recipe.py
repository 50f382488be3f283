"""The recipe of an evaluation."""

import dataclasses

from cin_style.losses.recipe import REMEMBERED, LossRecipe, catalogue_option, precision_option
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.recipes import SMALLEST_SIDE, option, unset


@dataclasses.dataclass(frozen=True)
@unset(*(name for name in REMEMBERED if name != "style_size"))
class EvaluateRecipe(LossRecipe):
    """Everything that decides what an evaluation of a network measures.

    Fields of the loss that are `None` are what the network was trained with.

    Example:

        >>> EvaluateRecipe(content="photos", styles="paintings", photos=16).model
        'varied32'
    """

    model: str = option(DEFAULT_MODEL, "the trained network")
    content: str = option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    styles: str = option("", "folder of the style images that the network was trained on")
    style_names: str = option("", "only these of the network's styles: name,name,...")
    catalogue: str = catalogue_option()
    style_size: int = option(
        0,
        "short side of the style images, in px; 0: what the network was trained with",
        least=SMALLEST_SIDE,
        unit=" px",
        unless=0,
    )
    holdout: int = option(
        -1,
        "take of so many photos that training kept out; -1: its default; 0: of all photos",
        least=-1,
    )
    photos: int = option(4, "how many photos", least=1)
    image_size: int = option(
        256, "side of the photos' central squares, in px", least=64, unit=" px"
    )
    against_iterations: int = option(
        0,
        "also optimize pixels by L-BFGS for so many iterations, to compare with; 0: don't",
        least=0,
    )
    pairs: int = option(8, "how many pairs of a style and a photo to optimize; 0: all", least=0)
    precision: str = precision_option("float32")
