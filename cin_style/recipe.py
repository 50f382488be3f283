"""The numbers of each kind of run with their defaults; light, for the command line to read."""

import dataclasses


def _option(default, text, **metadata):
    return dataclasses.field(default=default, metadata={"help": text, **metadata})


def _precision(default):
    return _option(
        default,
        "auto takes mixed_bfloat16 where the hardware computes in it, else float32",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )


@dataclasses.dataclass(frozen=True)
class LossRecipe:
    """What decides the loss.

    Each field is an option of the command line with the same name; its `help` metadata is the
    documentation. The defaults are those of Dumoulin et al. 2017, appendix A.
    """

    style_size: int = _option(512, "short side of the style images, in px; sets the stroke size")
    content_weight: float = _option(1.0, "weight of content layers that have none of their own")
    style_weight: float = _option(1e-4, "weight of style layers that have none of their own")
    loss_network: str = _option("vgg16", "vgg16 or vgg19", choices=("vgg16", "vgg19"))
    content_layers: str = _option("block3_conv3", "its layers: name[=weight],...")
    style_layers: str = _option(
        "block1_conv2,block2_conv2,block3_conv3,block4_conv3", "its layers: name[=weight],..."
    )
    gram_normalization: float = _option(
        0.0, "0: the paper's style loss; 1: every painting's loss relative to its own Gram energy"
    )
    total_variation_weight: float = _option(0.0, "weight of the pastiche's total variation")
    total_variation_exponent: float = _option(
        1.0, "1: a faint ripple costs as much as an edge of that height; 2: edges cost most"
    )
    checkerboard_weight: float = _option(
        0.0, "weight of patterns that repeat every 4 px, the grid of the network's upsampling"
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


@dataclasses.dataclass(frozen=True)
class RunRecipe(LossRecipe):
    """What decides the outcome of any run, of training and of fine-tuning.

    The defaults are those of Dumoulin et al. 2017, appendix A, but for `style_rate` and
    `palette_start`, which it has not (see train/results/README.md).
    """

    activation_penalty: float = _option(
        0.0, "weight of extreme normalized activations, which show as droplets"
    )
    seed: int = _option(0, "of the initial weights and of all sampling")
    content: str = _option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    steps: int = _option(40_000, "training steps in all")
    batch_size: int = _option(16, "examples per step, over all devices")
    image_size: int = _option(256, "side of the square training crops, in px")
    learning_rate: float = _option(1e-3, "Adam's learning rate")
    style_rate: float = _option(
        10.0, "learning rate of the gammas and betas, as a multiple of learning_rate"
    )
    palette_start: bool = _option(True, "begin every style at its image's mean and contrast")
    warmup_steps: int = _option(0, "steps over which the learning rate rises to its value")
    decay: float = _option(0.0, "share of the run, at its end, over which the rate falls to 0")
    clip_norm: float = _option(0.0, "clip gradients to this global norm; 0 for never")
    ema: float = _option(0.0, "momentum of a moving average of the weights; 0 for none")
    holdout: int = _option(
        -1,
        "content photos kept out of training, for previews and figures; "
        "-1: 16, or an eighth of them if that is fewer",
    )
    checkpoint_every: int = _option(100, "steps between checkpoints, log lines and curve points")
    preview_every: int = _option(
        500, "steps between preview sheets, drawn at checkpoints; 0 for none"
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
    grain: float = _option(
        0.0,
        "standard deviation of smooth noise laid over the photos, of which flat regions' strokes "
        "are made: in painting this much, in training up to twice as much",
    )
    init_from: str = _option("", "start from this model's convolutions, and styles of equal name")


@dataclasses.dataclass(frozen=True)
class FinetuneRecipe(RunRecipe):
    """Everything that decides what adding styles to a network computes; see `RunRecipe`."""

    model: str = _option("", "the trained network to add styles to")
    styles: tuple = _option((), "folders of style images, and style images")
    init: str = _option(
        "nearest",
        "nearest: the mixture of old styles whose pastiches come closest; ones; or an old style",
    )
    steps: int = _option(2_000, "training steps in all")
    batch_size: int = _option(4, "examples per step, over all devices")
    learning_rate: float = _option(1e-2, "Adam's learning rate")
    warmup_steps: int = _option(5, "steps over which the learning rate rises to its value")
    decay: float = _option(0.5, "share of the run, at its end, over which the rate falls to 0")


@dataclasses.dataclass(frozen=True)
class OptimizeRecipe(LossRecipe):
    """Everything that decides what optimizing the pixels of one picture computes."""

    content: str = _option("", "the photo")
    style: str = _option("", "the style image")
    iterations: int = _option(500, "iterations in all, shared equally among the stages")
    optimizer: str = _option("lbfgs", "lbfgs or adam", choices=("lbfgs", "adam"))
    learning_rate: float = _option(0.02, "Adam's learning rate, in shares of the value range")
    init: str = _option(
        "content", "begin with the photo or with noise", choices=("content", "noise")
    )
    seed: int = _option(0, "of the noise to begin with")
    stages: int = _option(2, "sizes to work at, each twice the one before, the last one whole")
    max_side: int = _option(512, "scale a larger photo down to this, in px")
    precision: str = _precision("float32")


@dataclasses.dataclass(frozen=True)
class EvaluateRecipe(LossRecipe):
    """Everything that decides what an evaluation of a network measures."""

    model: str = _option("", "the trained network")
    content: str = _option("", "content photos: a folder, or tfds:NAME[/CONFIG][:SPLIT]")
    styles: str = _option("", "folder of the style images that the network was trained on")
    style_names: str = _option("", "only these of the network's styles: name,name,...")
    style_size: int = _option(
        0, "short side of the style images, in px; 0: what the network was trained with"
    )
    holdout: int = _option(
        -1, "take of so many photos that training kept out; -1: its default; 0: of all photos"
    )
    photos: int = _option(4, "how many photos")
    image_size: int = _option(256, "side of the photos' central squares, in px")
    against_iterations: int = _option(
        0, "also optimize pixels by L-BFGS for so many iterations, to compare with; 0: don't"
    )
    pairs: int = _option(8, "how many pairs of a style and a photo to optimize; 0: all")
    precision: str = _precision("float32")
