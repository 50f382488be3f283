"""The recipes of runs: of all, of training and of fine-tuning."""

import dataclasses
import re
from typing import Any

from cin_style.errors import UserError
from cin_style.losses import terms
from cin_style.losses.recipe import REMEMBERED, LossRecipe, catalogue_option
from cin_style.networks.bundled import DEFAULT_MODEL
from cin_style.networks.form import check_form
from cin_style.recipes import SMALLEST_SIDE, option, unset


@dataclasses.dataclass(frozen=True)
class RunRecipe(LossRecipe):
    """What decides the outcome of any run.

    The defaults are those of Dumoulin et al. 2017, appendix A, but for the fourth style layer (see
    `LossRecipe`).
    """

    seed: int = option(0, "of the initial weights and of all sampling", least=0, most=2**32 - 1)
    content: str = option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    steps: int = option(40_000, "training steps in all", least=1)
    batch_size: int = option(16, "examples per step, over all devices", least=1, most=2**16)
    image_size: int = option(
        256, "side of the square training crops, in px", least=SMALLEST_SIDE, most=2**13
    )
    margin: int | None = option(
        None,
        "so many px on each side of what the network paints in training are not looked at, as "
        "painting cuts them off; by default a sixth of image_size, at most 40; 0 as in the paper",
        least=0,
        unit=" px",
        earlier=0,
    )
    learning_rate: float = option(1e-3, "Adam's learning rate", above=0)
    warmup_steps: int = option(0, "steps over which the learning rate rises to its value", least=0)
    decay: float = option(
        0.0, "share of the run, at its end, over which the rate falls to 0", least=0, most=1
    )
    clip_norm: float = option(0.0, "clip gradients to this global norm; 0 for never", least=0)
    ema: float = option(
        0.0, "momentum of a moving average of the weights; 0 for none", least=0, below=1
    )
    holdout: int = option(
        -1,
        "content photos kept out of training, for previews and figures; "
        "-1: 16, or an eighth of them if that is fewer",
        least=-1,
    )
    checkpoint_every: int = option(
        100, "steps between checkpoints, log lines and curve points", least=1
    )
    checkpoint_minutes: float = option(
        1.0, "minutes after a checkpoint at which another is written, wherever the run is", above=0
    )
    steps_per_execution: int = option(
        1,
        "steps per call of the backend; more of them leave a fast accelerator less to wait for "
        "(TensorFlow). Divides steps and checkpoint_every",
        least=1,
    )
    preview_every: int = option(
        500, "steps between preview sheets, drawn at checkpoints; 0 for none", least=0
    )
    devices: str = option(
        "1",
        "devices that share each batch out among them: a number, or auto for all of this machine, "
        "or with hosts of all machines",
    )
    hosts: str = option(
        "",
        "several machines (JAX): auto, where a scheduler says which (Slurm, Open MPI, GKE, Cloud "
        "TPU), or ADDRESS:PORT,INDEX,COUNT: where the first listens, this one's number from 0, of "
        "how many",
    )
    accumulate: int = option(
        1,
        "parts in which each batch is computed, one after the other, where it does not fit into "
        "memory",
        least=1,
    )
    xla: str = option(
        "auto",
        "compile the step with XLA; auto: on GPU and TPU",
        choices=("auto", "on", "off"),
    )

    # What may differ between a run and its continuation.
    RESUMABLE = (
        *("checkpoint_minutes", "steps_per_execution", "preview_every", "half"),
        *("devices", "hosts", "accumulate", "xla"),
    )

    @property
    def most_measured(self) -> int:
        """On how many of the photos kept out of training it is measured at most."""
        return self.holdout

    def check(self) -> None:
        super().check()
        for steps in (self.steps, min(self.checkpoint_every, self.steps)):
            if steps % self.steps_per_execution:
                raise UserError(
                    "`steps_per_execution` must divide `steps` and `checkpoint_every`. Received: "
                    f"{self.steps_per_execution}, {self.steps}, {self.checkpoint_every}"
                )
        if self.devices != "auto" and not re.fullmatch("[1-9][0-9]*", self.devices):
            raise UserError(f"`devices` must be a number or auto. Received: {self.devices}")
        if self.image_size - 2 * margin_of(self) < SMALLEST_SIDE:
            raise UserError(
                f"`margin` must leave {SMALLEST_SIDE} px or more of `image_size` "
                f"{self.image_size}. Received: {self.margin}"
            )


# The weights of terms that look into the network, from their table.
_PenaltyFields: Any = dataclasses.make_dataclass(
    "_PenaltyFields", terms.fields("activations"), bases=(RunRecipe,), frozen=True
)


@dataclasses.dataclass(frozen=True)
class NetworkRecipe(_PenaltyFields):
    """What decides the outcome of a run that learns styles: of training and of fine-tuning.

    `palette_start` Dumoulin et al. 2017 have not.
    """

    style_rate: float = option(
        1.0, "learning rate of the gammas and betas, as a multiple of learning_rate", above=0
    )
    palette_start: bool = option(True, "begin every style at its image's mean and contrast")
    half: bool = option(False, "store the final model's weights in float16")


@dataclasses.dataclass(frozen=True)
class TrainRecipe(NetworkRecipe):
    """Everything that decides what a training run computes; see `RunRecipe`.

    Example:

        >>> recipe = TrainRecipe(styles="paintings", content="photos", steps=5_000)
        >>> recipe.replace(batch_size=4).steps
        5000
    """

    styles: str = option("", "folder of style images, with or without a styles.json")
    style_names: str = option("", "train only these styles of the folder: name,name,...")
    catalogue: str = catalogue_option()
    upsampling: str = option(
        "nearest",
        "how the network enlarges: nearest, as in the paper, or bilinear",
        choices=("nearest", "bilinear"),
    )
    widths: str = option(
        "32,64,128",
        "channels of the contracting layers; the residual blocks have as many as the last one",
    )
    residual_blocks: int = option(5, "residual blocks of the network", least=0, most=100)
    teacher: str = option(
        "",
        "a trained network whose pictures in the styles of equal name are to be met as well: what "
        "makes a smaller network good sooner (distillation)",
    )
    teacher_weight: float = option(
        3e6, "weight of the mean squared difference to the teacher's pictures", least=0
    )
    grain: float = option(
        0.0,
        "standard deviation of smooth noise laid over the photos, of which flat regions' strokes "
        "are made: in painting this much, in training up to twice as much",
        least=0,
    )
    init_from: str = option("", "start from this model's convolutions, and styles of equal name")

    def check(self) -> None:
        super().check()
        check_form(self.channels, self.residual_blocks, self.upsampling, self.grain)

    @property
    def channels(self) -> tuple[int, ...]:
        """The numbers that `widths` names."""
        try:
            return tuple(int(part) for part in self.widths.split(","))
        except ValueError as error:
            raise UserError(
                f"`widths` must be whole numbers with commas, 16,32,64. Received: {self.widths}"
            ) from error


# Fine-tuning in at most so many steps is to be done in seconds. After 24 steps of one crop of 256
# px the style loss (four paintings, photos of 256 px) is 0.56 of the prediction's; of two crops of
# 128 px, which take more than half as long, 0.79. At twice the rate of long runs.
SHORT = 100
_SHORT_RUN = {"batch_size": 1, "learning_rate": 2e-2}
_LONG_RUN = {"batch_size": 4, "learning_rate": 1e-2}


def _by_length(name: str) -> str:
    return f"{_SHORT_RUN[name]} in runs of up to {SHORT} steps, else {_LONG_RUN[name]}"


@dataclasses.dataclass(frozen=True)
@unset(*REMEMBERED, "half")
@unset("batch_size", until=_by_length("batch_size"))
@unset("learning_rate", until=_by_length("learning_rate"))
class FinetuneRecipe(NetworkRecipe):
    """Everything that decides what adding styles to a network computes; see `RunRecipe`.

    Fields of the loss that are `None` are what the network was trained with; with `half` `None` the
    new network is stored as the trained one is; `batch_size` and `learning_rate` follow from
    `steps` (`by_length`). Without `content` it learns on the sample photos of scikit-image.

    Example:

        >>> FinetuneRecipe(styles=["painting.jpg"]).model
        'varied32'
    """

    content: str = option(
        "",
        "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]; by default scikit-image's four "
        "sample photos. Photos like those to be painted are better",
    )
    model: str = option(DEFAULT_MODEL, "the trained network to add styles to")
    styles: tuple[str, ...] = option((), "folders of style images, and style images")
    init: str = option(
        "auto",
        "predicted: by the network's predictor; nearest: the mixture of old styles whose pastiches "
        "come closest, a search; ones; or an old style. auto: predicted where the "
        "network has a predictor, else nearest",
    )
    predictor: str = option(
        "",
        "a file that `train_predictor` wrote; by default MODEL.predictor.npz beside the network",
    )
    steps: int = option(SHORT, "training steps in all", least=1)
    holdout: int = option(
        -1,
        "content photos kept out of training, for previews and figures; -1: 16, or an eighth of "
        "them if that is fewer, of the sample photos 2. Runs of up to "
        f"{SHORT} steps are measured on 4 of them",
        least=-1,
    )
    warmup_steps: int = option(5, "steps over which the learning rate rises to its value", least=0)
    decay: float = option(
        0.5, "share of the run, at its end, over which the rate falls to 0", least=0, most=1
    )

    @property
    def most_measured(self) -> int:
        return min(4, self.holdout) if self.steps <= SHORT else self.holdout

    def check(self) -> None:
        super().check()
        if self.init == "nearest" and self.holdout == 0:
            raise UserError(
                "`init` nearest needs held-out photos: give a `holdout` above 0, or another `init`."
            )


def by_length(recipe: FinetuneRecipe) -> FinetuneRecipe:
    """Fills in what a recipe leaves to the number of its steps.

    Example:

        >>> short, long = (by_length(FinetuneRecipe(steps=steps)) for steps in (30, 2_000))
        >>> short.batch_size, short.learning_rate, long.batch_size, long.learning_rate
        (1, 0.02, 4, 0.01)
    """
    numbers: dict[str, Any] = _SHORT_RUN if recipe.steps <= SHORT else _LONG_RUN
    return recipe.replace(
        **{name: number for name, number in numbers.items() if getattr(recipe, name) is None}
    )


def margin_of(recipe: RunRecipe) -> int:
    """How wide the margin is that losses do not look at, in px.

    A network knows where the picture ends from the padding of its own layers. Left to itself it
    paints what it cannot paint elsewhere there, up to 40 px from the border: a stripe of a colour
    that the painting has and the photo has not. In training crops that is half of the picture.

    Example:

        >>> margin_of(TrainRecipe(image_size=256)), margin_of(TrainRecipe(image_size=96))
        (40, 16)
        >>> margin_of(TrainRecipe(margin=0))
        0
    """
    if recipe.margin is None:
        return min(40, recipe.image_size // 6 // 4 * 4)
    return recipe.margin


# The name it had when there was one kind of recipe.
Recipe = TrainRecipe
