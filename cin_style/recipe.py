"""The numbers of each kind of run with their defaults; light, for the command line to read."""

import dataclasses

from cin_style.errors import UserError

# The network in the package that commands take unless told otherwise.
DEFAULT_MODEL = "varied32"

# Of what the network takes, in px: its mirror padding needs as much.
SMALLEST_SIDE = 16


def _option(default, text, **metadata):
    """A field of a recipe; for the metadata see `check`."""
    return dataclasses.field(default=default, metadata={"help": text, **metadata})


def _precision(default):
    return _option(
        default,
        "auto takes mixed_bfloat16 where the hardware computes in it, else float32",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )


def _catalogue():
    return _option(
        "",
        "names, provenance and weights of the style images, in place of the folder's styles.json",
    )


def check(recipe):
    """Raises a `UserError` for a field of a recipe of any kind that its metadata do not allow.

    `choices`: one of these. `least`, `most`, `above`, `below`: a finite number within these
    bounds, `unit` for the message; or the value `unless`, which means something else.
    """
    infinity = float("inf")
    for field in dataclasses.fields(recipe):
        value, allowed = getattr(recipe, field.name), field.metadata
        least = allowed.get("least")
        if "choices" in allowed:
            good, what = value in allowed["choices"], f"one of {', '.join(allowed['choices'])}"
        elif "above" in allowed:
            good, what = allowed["above"] < value < infinity, "positive"
        elif "most" in allowed:
            good, what = least <= value <= allowed["most"], f"from {least} to {allowed['most']}"
        elif "below" in allowed:
            good = least <= value < allowed["below"]
            what = f"at least {least} and below {allowed['below']}"
        elif "least" in allowed:
            good, what = least <= value < infinity, f"at least {least}{allowed.get('unit', '')}"
        else:
            continue
        if not good and value != allowed.get("unless"):
            raise UserError(f"--{field.name} must be {what}. Received: {value}")


@dataclasses.dataclass(frozen=True)
class LossRecipe:
    """What decides the loss.

    Each field is an option of the command line with the same name; its `help` metadata is the
    documentation. The defaults are those of Dumoulin et al. 2017, appendix A.
    """

    style_size: int = _option(
        512,
        "short side of the style images, in px; sets the stroke size",
        least=SMALLEST_SIDE,
        unit=" px",
    )
    content_weight: float = _option(
        1.0, "weight of content layers that have none of their own", least=0
    )
    style_weight: float = _option(
        1e-4, "weight of style layers that have none of their own", least=0
    )
    loss_network: str = _option("vgg16", "vgg16 or vgg19", choices=("vgg16", "vgg19"))
    content_layers: str = _option("block3_conv3", "its layers: name[=weight],...")
    style_layers: str = _option(
        "block1_conv2,block2_conv2,block3_conv3,block4_conv3",
        "its layers: name[=weight],...; name/2: that layer of the pictures at half their size",
    )
    gram_normalization: float = _option(
        0.0,
        "0: the paper's style loss; 1: every painting's loss relative to its own Gram energy",
        least=0,
        most=1,
    )
    total_variation_weight: float = _option(
        0.0, "weight of the pastiche's total variation", least=0
    )
    total_variation_exponent: float = _option(
        1.0,
        "1: a faint ripple costs as much as an edge of that height; 2: edges cost most",
        least=1,
        most=2,
    )
    checkerboard_weight: float = _option(
        0.0,
        "weight of patterns that repeat every 4 px, the grid of the network's upsampling",
        least=0,
    )
    blockiness_weight: float = _option(
        0.0,
        "weight of edges that lie on that grid, which show as small squares of 4 px",
        least=0,
    )
    vgg_weights: str = _option(
        "",
        "imagenet, random, or a .npz or .h5 file; default $CIN_STYLE_VGG_WEIGHTS (for vgg19 "
        "$CIN_STYLE_VGG19_WEIGHTS) or imagenet",
    )
    pooling: str = _option("avg", "pooling in the loss network", choices=("avg", "max"))
    padding: str = _option(
        "zeros",
        "what the loss network sees beyond the picture's border: zeros, as it was trained, or "
        "reflect, the picture mirrored",
        choices=("zeros", "reflect"),
    )
    precision: str = _precision("auto")


# The loss without what is weighed against flaws: content and style alone.
NO_PENALTIES = {
    "total_variation_weight": 0.0,
    "checkerboard_weight": 0.0,
    "blockiness_weight": 0.0,
}

# What a network remembers of a loss, with the paper's values.
_DEFAULTS = {
    field.name: field.default
    for field in dataclasses.fields(LossRecipe)
    if field.name not in ("vgg_weights", "precision")
}


def remember(recipe):
    """What a network keeps of the recipe of its training, to be the default from then on.

    Returns:
        A dict of the fields of `LossRecipe` that decide what the loss is, not where its weights
        are and how it is computed.
    """
    return {name: type(default)(getattr(recipe, name)) for name, default in _DEFAULTS.items()}


def remembered(network, names=tuple(_DEFAULTS)):
    """What a network remembers of these fields of `LossRecipe`, those of the right type; a dict.

    `FinetuneRecipe.REMEMBERED` and `EvaluateRecipe.REMEMBERED` are the names for those recipes.
    """
    options = network.loss_options
    # A file may hold anything.
    return {
        name: options[name]
        for name in names
        if isinstance(options.get(name), type(_DEFAULTS[name]))
    }


@dataclasses.dataclass(frozen=True)
class RunRecipe(LossRecipe):
    """What decides the outcome of any run, of training and of fine-tuning.

    The defaults are those of Dumoulin et al. 2017, appendix A, but for `style_rate` and
    `palette_start`, which it has not (see train/results/README.md).
    """

    activation_penalty: float = _option(
        0.0, "weight of extreme normalized activations, which show as droplets", least=0
    )
    seed: int = _option(0, "of the initial weights and of all sampling", least=0, most=2**32 - 1)
    content: str = _option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    steps: int = _option(40_000, "training steps in all", least=1)
    batch_size: int = _option(16, "examples per step, over all devices", least=1)
    image_size: int = _option(
        256, "side of the square training crops, in px", least=SMALLEST_SIDE, unit=" px"
    )
    learning_rate: float = _option(1e-3, "Adam's learning rate", above=0)
    style_rate: float = _option(
        10.0, "learning rate of the gammas and betas, as a multiple of learning_rate", above=0
    )
    palette_start: bool = _option(True, "begin every style at its image's mean and contrast")
    warmup_steps: int = _option(0, "steps over which the learning rate rises to its value", least=0)
    decay: float = _option(
        0.0, "share of the run, at its end, over which the rate falls to 0", least=0, most=1
    )
    clip_norm: float = _option(0.0, "clip gradients to this global norm; 0 for never", least=0)
    ema: float = _option(
        0.0, "momentum of a moving average of the weights; 0 for none", least=0, below=1
    )
    holdout: int = _option(
        -1,
        "content photos kept out of training, for previews and figures; "
        "-1: 16, or an eighth of them if that is fewer",
        least=-1,
    )
    checkpoint_every: int = _option(
        100, "steps between checkpoints, log lines and curve points", least=1
    )
    preview_every: int = _option(
        500, "steps between preview sheets, drawn at checkpoints; 0 for none", least=0
    )
    half: bool = _option(False, "store the final model's weights in float16")
    xla: str = _option(
        "auto",
        "compile the step with XLA; auto: on GPU and TPU",
        choices=("auto", "on", "off"),
    )

    # What may differ between a run and its continuation.
    RESUMABLE = ("preview_every", "half", "xla")


@dataclasses.dataclass(frozen=True)
class Recipe(RunRecipe):
    """Everything that decides what a training run computes; see `RunRecipe`."""

    styles: str = _option("", "folder of style images, with or without a styles.json")
    style_names: str = _option("", "train only these styles of the folder: name,name,...")
    catalogue: str = _catalogue()
    upsampling: str = _option(
        "nearest",
        "how the network enlarges: nearest, as in the paper, or bilinear",
        choices=("nearest", "bilinear"),
    )
    grain: float = _option(
        0.0,
        "standard deviation of smooth noise laid over the photos, of which flat regions' strokes "
        "are made: in painting this much, in training up to twice as much",
        least=0,
    )
    init_from: str = _option("", "start from this model's convolutions, and styles of equal name")


@dataclasses.dataclass(frozen=True)
class FinetuneRecipe(RunRecipe):
    """Everything that decides what adding styles to a network computes; see `RunRecipe`.

    The command line and `cin_style.finetune` take the losses that the network was trained with
    (`StyleTransferNetwork.loss_options`) unless told otherwise.
    """

    # Fields that the network may have a default for.
    REMEMBERED = tuple(_DEFAULTS)

    model: str = _option(DEFAULT_MODEL, "the trained network to add styles to")
    styles: tuple = _option((), "folders of style images, and style images")
    init: str = _option(
        "nearest",
        "nearest: the mixture of old styles whose pastiches come closest; ones; or an old style",
    )
    steps: int = _option(2_000, "training steps in all", least=1)
    batch_size: int = _option(4, "examples per step, over all devices", least=1)
    learning_rate: float = _option(1e-2, "Adam's learning rate", above=0)
    warmup_steps: int = _option(5, "steps over which the learning rate rises to its value", least=0)
    decay: float = _option(
        0.5, "share of the run, at its end, over which the rate falls to 0", least=0, most=1
    )


@dataclasses.dataclass(frozen=True)
class OptimizeRecipe(LossRecipe):
    """Everything that decides what optimizing the pixels of one picture computes."""

    content: str = _option("", "the photo")
    style: str = _option("", "the style image")
    iterations: int = _option(500, "iterations in all, shared equally among the stages", least=1)
    optimizer: str = _option("lbfgs", "lbfgs or adam", choices=("lbfgs", "adam"))
    learning_rate: float = _option(
        0.02, "Adam's learning rate, in shares of the value range", above=0
    )
    init: str = _option(
        "content", "begin with the photo or with noise", choices=("content", "noise")
    )
    seed: int = _option(0, "of the noise to begin with", least=0, most=2**32 - 1)
    stages: int = _option(
        2, "sizes to work at, each twice the one before, the last one whole", least=1
    )
    max_side: int = _option(
        512, "scale a larger photo down to this, in px", least=SMALLEST_SIDE, unit=" px"
    )
    precision: str = _precision("float32")


@dataclasses.dataclass(frozen=True)
class EvaluateRecipe(LossRecipe):
    """Everything that decides what an evaluation of a network measures.

    The command line takes the losses that the network was trained with unless told otherwise.
    """

    # The size of the style images is remembered with each style.
    REMEMBERED = tuple(name for name in _DEFAULTS if name != "style_size")

    model: str = _option("", "the trained network")
    content: str = _option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    styles: str = _option("", "folder of the style images that the network was trained on")
    style_names: str = _option("", "only these of the network's styles: name,name,...")
    catalogue: str = _catalogue()
    style_size: int = _option(
        0,
        "short side of the style images, in px; 0: what the network was trained with",
        least=SMALLEST_SIDE,
        unit=" px",
        unless=0,
    )
    holdout: int = _option(
        -1,
        "take of so many photos that training kept out; -1: its default; 0: of all photos",
        least=-1,
    )
    photos: int = _option(4, "how many photos", least=1)
    image_size: int = _option(
        256, "side of the photos' central squares, in px", least=64, unit=" px"
    )
    against_iterations: int = _option(
        0,
        "also optimize pixels by L-BFGS for so many iterations, to compare with; 0: don't",
        least=0,
    )
    pairs: int = _option(8, "how many pairs of a style and a photo to optimize; 0: all", least=0)
    precision: str = _precision("float32")
