"""Segments of two photos by networks that know things by name."""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from cin_style.errors import UserError
from cin_style.images import kinship, scaling
from cin_style.images.segments import Segments, matched
from cin_style.painting.segmentation import along_edges

# A photo, float32 (height, width, 3) in [0, 1], to int (height', width') and the labels' names.
Segmenter = Callable[[np.ndarray], tuple[np.ndarray, Sequence[str]]]

# What images are normalized by that networks trained on ImageNet take.
_MEAN = np.array([0.485, 0.456, 0.406], "float32")
_SPREAD = np.array([0.229, 0.224, 0.225], "float32")

# Side of what a network is given that takes any size, in px.
_SIDE = 512

_NAMES = {len(names): names for names in (kinship.ADE20K, kinship.VOC, kinship.CITYSCAPES)}


def by_names(content: np.ndarray, style: np.ndarray, segmenter: Segmenter) -> Segments:
    """Segments of what a segmenter knows by the same or a similar name.

    Similar things are one segment (`kinship.components`); what one photo lacks goes to its most
    similar in the other (Penhouet and Sanzenbacher 2019, section 3.2); edges are laid along those
    of the photos.

    Args:
        content, style: float32 (height, width, 3) in [0, 1].
        segmenter: any callable, see `Segmenter`.

    Raises:
        UserError: labels that have no name, or photos without anything in common.

    Example:
        >>> sky_over_sea = lambda photo: (np.arange(32)[:, None] // 16 + np.zeros((1, 32), int),
        ...                               ["sky", "sea"])
        >>> day = np.random.default_rng(0).random((32, 32, 3))
        >>> by_names(day, 0.5 * day, sky_over_sea).names
        ('sky', 'sea')
    """
    found = [segmenter(photo) for photo in (content, style)]
    names: list[str] = []
    for labels, known in found:
        if labels.min() < 0 or labels.max() >= len(known):
            raise UserError(
                f"the segmenter gives labels from {labels.min()} to {labels.max()}, but "
                f"{len(known)} names. Give a name for each."
            )
        names += [known[label] for label in np.unique(labels) if known[label] not in names]
    component = kinship.components(names)
    count = int(component.max()) + 1
    shares = []
    for photo, (labels, known) in zip((content, style), found, strict=True):
        # Labels that do not occur are in any component.
        target = [component[names.index(name)] if name in names else 0 for name in known]
        hard = np.eye(count, dtype="float32")[np.array(target)[labels]]
        shares.append(along_edges(hard, photo))
    # A component is called after all that is in it, and as similar as the most similar of those.
    members = [
        [index for index in range(len(names)) if component[index] == k] for k in range(count)
    ]
    titles = ["+".join(names[index] for index in inside) for inside in members]
    alike = kinship.similarity(names)
    similarity = np.array([[alike[np.ix_(a, b)].max() for b in members] for a in members])
    return matched(shares[0], shares[1], titles, similarity)


def load_segmenter(name: str | os.PathLike) -> Segmenter:
    """The segmenter that a text names.

    Args:
        name: an `.onnx` file (onnxruntime has to be installed), whose output is (1, classes,
            height, width) or (1, height, width) of labels; or a preset of keras-hub's
            `ImageSegmenter` (keras-hub has to be installed; downloads the preset).

    Returns:
        See `Segmenter`. Classes are called as in ADE20K, PASCAL VOC or Cityscapes where there are
        150, 21 or 19 of them; otherwise by a file's metadata `names`, with commas between, or by
        their numbers.

    Raises:
        UserError: no such file, or a package that is missing or can't load it.
    """
    if str(name).lower().endswith(".onnx"):
        return _onnx(pathlib.Path(name))
    return _keras_hub(str(name))


def _names(count: int) -> Sequence[str]:
    return _NAMES.get(count, [f"class {index}" for index in range(count)])


def _keras_hub(preset: str) -> Segmenter:
    try:
        import keras_hub
    except ImportError as error:
        raise UserError(
            f"`segments` {preset} is no .onnx file, so it is taken for a preset of keras-hub, "
            "which is not installed: pip install keras-hub. Or take auto, a number, or masks."
        ) from error
    try:
        task = keras_hub.models.ImageSegmenter.from_preset(preset)
    except Exception as error:  # whatever keras-hub and its downloads raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"keras-hub can't load the segmenter {preset}: {reason}") from error

    def segment(photo: np.ndarray) -> tuple[np.ndarray, Sequence[str]]:
        # Presets have an input size of their own; proportions don't matter to labels.
        square = scaling.scale(photo, (_SIDE, _SIDE)).clip(0, 1)
        scores = np.asarray(task.predict(255 * square[None], verbose=0))[0]
        return scores.argmax(axis=-1), _names(scores.shape[-1])

    return segment


def _onnx(path: pathlib.Path) -> Segmenter:
    if not path.is_file():
        raise UserError(f"no such file: {path}. Check the path of the segmentation network.")
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"{path} needs onnxruntime: pip install onnxruntime. Or take auto, a number, or masks."
        ) from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own
        raise UserError(f"{path} is no ONNX network that can be read: {error}") from error
    given = session.get_inputs()[0]
    metadata = session.get_modelmeta().custom_metadata_map or {}

    def segment(photo: np.ndarray) -> tuple[np.ndarray, Sequence[str]]:
        first = given.shape[1] == 3  # channels first, as PyTorch exports
        sides = given.shape[2:4] if first else given.shape[1:3]
        height, width = (side if isinstance(side, int) else _SIDE for side in sides)
        image = (scaling.scale(photo, (height, width)).clip(0, 1) - _MEAN) / _SPREAD
        image = np.moveaxis(image, -1, 0) if first else image
        try:
            outputs = session.run(None, {given.name: image[None].astype("float32")})
        except Exception as error:  # onnxruntime raises kinds of its own
            reason = str(error).splitlines()[0]
            raise UserError(f"{path} can't look at a photo of three channels: {reason}") from error
        found = np.asarray(outputs[0])[0]
        if found.ndim == 2:
            # How many classes there are, labels don't say.
            labels = found.astype(int)
            names: Sequence[str] = [f"class {index}" for index in range(int(labels.max()) + 1)]
        else:
            labels = found.argmax(axis=0 if first else -1)
            names = _names(found.shape[0 if first else -1])
        return labels, metadata["names"].split(",") if "names" in metadata else names

    return segment
