"""Where the predictor of a network lies: beside its file, or in the package."""

import logging
import os
import pathlib

from cin_style.errors import UserError
from cin_style.networks import archive
from cin_style.networks.bundled import bundled
from cin_style.networks.styled import Styled
from cin_style.prediction.predictor import StylePredictor

_LOG = logging.getLogger("cin_style")


def beside(model: str | os.PathLike) -> pathlib.Path:
    """The place of the predictor that belongs to a network's file.

    Args:
        model: a `.keras` file, or the name of a network in the package.

    Example:

        >>> beside("mine.keras").name, beside("varied32").name
        ('mine.predictor.npz', 'varied32.predictor.npz')
    """
    return bundled().get(str(model), pathlib.Path(model)).with_suffix(".predictor.npz")


def find(
    model: str | os.PathLike | None, network: Styled, vgg_weights: str = ""
) -> StylePredictor | None:
    """The predictor of a network, where there is one.

    Args:
        model: the network's file, or its name in the package; `None` for a network of which
            nobody knows where it is from.
        network: the network.
        vgg_weights: see `StylePredictor.load`.

    Returns:
        `<model>.predictor.npz` beside the file; or else one in the package for the same
        convolutions (those of a network to which styles were added); or else `None`.

    Raises:
        UserError: the file beside the network can't be read.
    """
    path = None if model is None else beside(model)
    if path is not None and path.is_file():
        predictor = StylePredictor.load(path, vgg_weights)
        if predictor.fits(network):
            return predictor
        _LOG.warning("%s is of another network, perhaps of this one before: not used", path)
    for name in bundled():
        path = beside(name)
        if path.is_file():
            predictor = StylePredictor.load(path, vgg_weights)
            if predictor.fits(network):
                return predictor
    return None


def get(
    path: str,
    model: str | os.PathLike | None,
    network: Styled,
    vgg_weights: str = "",
) -> StylePredictor:
    """A network's predictor, which has to be there.

    Args:
        path: its file; empty: what `find` finds.
        model, network, vgg_weights: see `find`.

    Raises:
        UserError: there is none, it can't be read, or it is another network's.
    """
    if path:
        return load(path, network, vgg_weights)
    predictor = find(model, network, vgg_weights)
    if predictor is None:
        where = "" if model is None else f" {archive.find(model).name}"
        raise UserError(
            f"the network{where} has no predictor, which tells a style from an image at once. "
            "Train one with `train_predictor` and give it as `predictor`, or add the style with "
            "`finetune`."
        )
    return predictor


def load(path: str | os.PathLike, network: Styled, vgg_weights: str = "") -> StylePredictor:
    """Reads the predictor of a network.

    Args:
        path: its file.
        network: the network.
        vgg_weights: see `StylePredictor.load`.

    Raises:
        UserError: the file can't be read, or is another network's.
    """
    predictor = StylePredictor.load(path, vgg_weights)
    try:
        predictor.check(network)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return predictor
