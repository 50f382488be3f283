"""Paint photos in many styles with one network (conditional instance normalization)."""

import importlib

__version__ = "0.1.0"

# Importing the package must stay instant (`cin-style --help`), so that Keras and what
# comes with it load only when one of these names is first used.
_ROOMS = {
    "ConditionalInstanceNormalization": "layers",
    "EvaluateRecipe": "recipe",
    "FinetuneRecipe": "recipe",
    "OptimizeRecipe": "recipe",
    "Recipe": "recipe",
    "Style": "styles",
    "StyleCard": "cards",
    "StyleObjective": "objective",
    "StyleSet": "styles",
    "StyleTrainer": "trainer",
    "StyleTransferNetwork": "network",
    "Stylizer": "stylize",
    "UserError": "errors",
    "VGG16": "vgg",
    "VGG19": "vgg",
    "finetune": "finetuning",
    "load": "storage",
    "save": "storage",
    "train": "training",
}

__all__ = sorted(_ROOMS)


def __getattr__(name):
    if name in _ROOMS:
        return getattr(importlib.import_module(f"cin_style.{_ROOMS[name]}"), name)
    try:
        return importlib.import_module(f"cin_style.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"cin_style.{name}":
            raise
        raise AttributeError(f"module 'cin_style' has no attribute {name!r}") from None


def __dir__():
    return sorted([*globals(), *_ROOMS])
