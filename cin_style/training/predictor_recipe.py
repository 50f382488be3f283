"""The recipe of training a style predictor."""

import dataclasses

from cin_style.errors import UserError
from cin_style.losses.recipe import REMEMBERED
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.recipes import SMALLEST_SIDE, option, unset
from cin_style.training.recipes import RunRecipe


@dataclasses.dataclass(frozen=True)
@unset(*REMEMBERED)
class PredictorRecipe(RunRecipe):
    """Everything that decides what training a style predictor computes; see `RunRecipe`.

    Fields of the loss that are `None` are what the network was trained with: `style_size` is the
    short side in px that images are scaled to whose embedding is predicted.

    Example:

        >>> recipe = PredictorRecipe(styles=["paintings"], content="photos", steps=5_000)
        >>> recipe.model, recipe.style_crop
        ('varied32', 256)
    """

    model: str = option(DEFAULT_MODEL, "the trained network to predict embeddings for")
    styles: tuple[str, ...] = option(
        (),
        "paintings to learn from: folders of any size, files, or tfds:NAME; those called like one "
        "of the network's styles also teach its embedding",
    )
    held_out_styles: tuple[str, ...] = option(
        (),
        "style images kept out of training, for previews and figures; they may lie in the folders "
        "of `styles`. By default an eighth of those, from 1 to 8",
    )
    style_crop: int = option(
        256,
        "side of the square crops of style images that are trained on, in px; images shorter than "
        "that are enlarged",
        least=SMALLEST_SIDE,
        most=2048,
        unit=" px",
    )
    smallest_style_crop: float = option(
        0.55,
        "side of the smallest crop of a style image, as a share of its short side; with "
        "`style_crop` it says how large strokes are seen, which is to go beyond `style_size` both "
        "ways",
        above=0,
    )
    painting_share: float = option(0.4, "how many of the style images are paintings", least=0)
    generated_share: float = option(
        0.25, "how many are painted by the project's generator", least=0
    )
    photo_share: float = option(0.35, "how many are content photos", least=0)
    generated: int = option(2_000, "how many images the generator paints in all", least=1)
    colour_share: float = option(
        0.7,
        "how many style images get other colours: mixed anew, or those of another style image",
        least=0,
        most=1,
    )
    collage_share: float = option(
        0.25,
        "how many style images are two, side by side: styles between those that there are",
        least=0,
        most=1,
    )
    regression_weight: float = option(
        0.3,
        "weight of the mean squared distance of predicted embeddings to the network's own, in "
        "units of their spread, on the images of its styles and on mixtures of them, beside the "
        "logarithm of the loss",
        least=0,
    )
    init: str = option(
        "", "a predictor of this network to begin with; by default one that knows nothing"
    )
    warm_steps: int = option(
        300,
        "steps of that regression alone, before the first training step; none with `init`",
        least=0,
    )
    steps: int = option(10_000, "training steps in all", least=1)
    batch_size: int = option(4, "examples per step, over all devices", least=1)
    image_size: int = option(
        128, "side of the square training crops, in px", least=SMALLEST_SIDE, most=2**13
    )
    learning_rate: float = option(5e-4, "Adam's learning rate", above=0)
    decay: float = option(
        1.0, "share of the run, at its end, over which the rate falls to 0", least=0, most=1
    )

    def check(self) -> None:
        super().check()
        if self.smallest_style_crop > 1:
            raise UserError(
                "`smallest_style_crop` must be at most 1, all of the short side. Received: "
                f"{self.smallest_style_crop}"
            )
        if not self.painting_share + self.generated_share + self.photo_share:
            raise UserError(
                "one of `painting_share`, `generated_share` and `photo_share` must be above 0."
            )
