"""Paint photos in many styles with one network (conditional instance normalization)."""

from typing import TYPE_CHECKING

import lazy_loader

__version__ = "0.2.0.dev0"

# Importing the package must stay instant (`cin-style --help`), so that Keras and what
# comes with it load only when one of these names is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["images", "losses"],
    submod_attrs={
        "errors": ["UserError"],
        "evaluation.recipe": ["EvaluateRecipe"],
        "evaluation.report": ["evaluate"],
        "losses.objective": ["StyleObjective"],
        "losses.vgg": ["VGG16", "VGG19"],
        "networks": ["layers"],
        "networks.cards": ["StyleCard"],
        "networks.layers": ["ConditionalInstanceNormalization", "ReflectionPadding2D"],
        "networks.storage": ["load", "save"],
        "networks.style_transfer": ["StyleTransferNetwork"],
        "painting.blends": ["blend"],
        "painting.compositing": ["composite"],
        "painting.folder": ["stylize"],
        "painting.photorealism": ["photoreal"],
        "painting.pixels": ["optimize"],
        "painting.recipes": [
            "BlendRecipe",
            "CompositeRecipe",
            "OptimizeRecipe",
            "PhotorealRecipe",
            "StylizeRecipe",
        ],
        "painting.stylizer": ["Stylizer"],
        "prediction.predictor": ["StylePredictor"],
        "runtimes.export": ["export"],
        "runtimes.recipe": ["ExportRecipe"],
        "styles.style": ["Style"],
        "styles.style_set": ["StyleSet"],
        "training.finetune": ["finetune"],
        "training.predict": ["train_predictor"],
        "training.predictor_recipe": ["PredictorRecipe"],
        "training.recipes": ["FinetuneRecipe", "Recipe", "TrainRecipe"],
        "training.train": ["train"],
        "training.trainer": ["StyleTrainer"],
    },
)

# The same for editors and type checkers; a test compares the two.
if TYPE_CHECKING:
    from cin_style import images, losses
    from cin_style.errors import UserError
    from cin_style.evaluation.recipe import EvaluateRecipe
    from cin_style.evaluation.report import evaluate
    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16, VGG19
    from cin_style.networks import layers
    from cin_style.networks.cards import StyleCard
    from cin_style.networks.layers import ConditionalInstanceNormalization, ReflectionPadding2D
    from cin_style.networks.storage import load, save
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.painting.blends import blend
    from cin_style.painting.compositing import composite
    from cin_style.painting.folder import stylize
    from cin_style.painting.photorealism import photoreal
    from cin_style.painting.pixels import optimize
    from cin_style.painting.recipes import (
        BlendRecipe,
        CompositeRecipe,
        OptimizeRecipe,
        PhotorealRecipe,
        StylizeRecipe,
    )
    from cin_style.painting.stylizer import Stylizer
    from cin_style.prediction.predictor import StylePredictor
    from cin_style.runtimes.export import export
    from cin_style.runtimes.recipe import ExportRecipe
    from cin_style.styles.style import Style
    from cin_style.styles.style_set import StyleSet
    from cin_style.training.finetune import finetune
    from cin_style.training.predict import train_predictor
    from cin_style.training.predictor_recipe import PredictorRecipe
    from cin_style.training.recipes import FinetuneRecipe, Recipe, TrainRecipe
    from cin_style.training.train import train
    from cin_style.training.trainer import StyleTrainer
