"""Styles of images that no network has learned, as styles of the network that paints."""

import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from cin_style.errors import UserError
from cin_style.images.files import READABLE
from cin_style.networks.cards import SUFFIX, StyleCard, import_cards
from cin_style.networks.styled import Styled
from cin_style.painting.recipes import BlendRecipe, StylizeRecipe
from cin_style.runtimes import backend
from cin_style.styles import blends
from cin_style.styles.style import Style
from cin_style.styles.style_set import StyleSet


@dataclasses.dataclass(frozen=True)
class Predicted:
    """A network that has the styles of some images, too.

    Attributes:
        network: with these styles after its own.
        text: which styles are asked for, by names that the network knows.
        images: the files of the style images.
    """

    network: Styled
    text: str
    images: tuple[str, ...]


def for_stylize(recipe: StylizeRecipe, network: Styled, known: bool) -> Predicted:
    """Adds the styles of the images that a `StylizeRecipe` names.

    Args:
        recipe: its `style_image`, and the images in its `style`.
        network: the network that paints.
        known: whether it is the one that `recipe.model` names, beside which its predictor lies.

    Raises:
        UserError: an image that can't be read or is blank, no predictor for the network, or
            `style_image` beside a blend.
    """
    # A file's own name may have commas.
    path = recipe.style_image
    given = [path] if os.path.isfile(path) else _split(path)
    text = recipe.style
    if given and isinstance(blends.parse(text), dict):
        raise UserError(
            "`style_image` paints in each image's style by itself. In a blend, name the images "
            f"in `style`: {given[0]}=0.5,..."
        )
    if given and text == "all":
        # The default, every style, is not what somebody wants who names an image.
        text = ""
    return _resolve(text, given, network, recipe.model if known else None, recipe.predictor)


def for_blend(recipe: BlendRecipe, network: Styled, known: bool) -> Predicted:
    """Adds the styles of the images that a `BlendRecipe` names; see `for_stylize`."""
    model = recipe.model if known else None
    return _resolve(recipe.styles, (), network, model, recipe.predictor)


def _resolve(
    text: str,
    given: Sequence[str],
    network: Styled,
    model: str | None,
    predictor_file: str,
) -> Predicted:
    network, text = _with_cards(network, text)
    parts = _split(text)
    names = [part.partition("=")[0].strip() for part in parts]
    known = {style.name for style in network.styles}
    named = [name for name in names if name not in known and _is_image(name)]
    images = list(dict.fromkeys([*named, *given]))
    if not images:
        return Predicted(network, text, ())
    styles = _name(images, known)
    backend.load("predicting a style")
    from cin_style.prediction import files

    predictor = files.get(predictor_file, model, network)
    embeddings = [predictor.predict_embedding(image) for image in images]
    called = {image: style.name for image, style in zip(images, styles, strict=True)}
    asked = [
        called.get(name, name) + part[len(part.partition("=")[0]) :]
        for name, part in zip(names, parts, strict=True)
    ]
    asked += [called[image] for image in given]
    network = network.append(styles, np.stack(embeddings))
    return Predicted(network, ",".join(asked), tuple(images))


def _with_cards(network: Styled, text: str) -> tuple[Styled, str]:
    """A network that has the styles of the cards in a text, and the text by their names."""
    parts = [part.partition("=") for part in _split(text)]
    paths = dict.fromkeys(path.strip() for path, _, _ in parts if path.strip().endswith(SUFFIX))
    if not paths:
        return network, text
    cards = {path: StyleCard.load(path) for path in paths}
    called = {path: card.style.name for path, card in cards.items()}
    asked = [called.get(name.strip(), name) + sign + weight for name, sign, weight in parts]
    return import_cards(network, cards.values()), ",".join(asked)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_image(name: str) -> bool:
    """Whether what is asked for is meant as an image file."""
    return name.lower().endswith(READABLE) or os.path.isfile(name)


def _name(images: Iterable[str], taken: set[str]) -> list[Style]:
    """What to call the styles of images: as the files if that will do, or with a number."""
    taken, styles = set(taken), []
    for image in images:
        if not os.path.isfile(image):
            raise UserError(f"no such style image: {image}. Check the path.")
        try:
            style = StyleSet.from_paths([pathlib.Path(image)]).styles[0]
        except UserError:  # a file name that is no style's name, or a broken catalogue beside it
            style = Style("style_image")
        name = next(
            name
            for name in itertools.chain(
                [style.name], (f"{style.name[:70]}_{number}" for number in itertools.count(2))
            )
            if name not in taken
        )
        taken.add(name)
        styles.append(dataclasses.replace(style, name=name))
    return styles
