"""The style predictor: from a style image to a style embedding of one network, in one look."""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import threading
import zipfile
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops
from PIL import Image

from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.images import files
from cin_style.images.arrays import as_pixels
from cin_style.losses.features import see
from cin_style.networks.cards import StyleCard
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.prediction.statistics import StyleView, measure
from cin_style.recipes import SMALLEST_SIDE

FORMAT = 1

# In bytes, of a file and of what it unpacks to: four times what 3,206 outputs take.
LARGEST = 16 * 2**20

# Of longer style images the middle is looked at.
_LONGEST = 4

# Under so many of 255 levels between an image's darkest and lightest value it is blank.
_BLANK = 3

# Side of the four squares that are looked at, as a share of the image's short side. All of a
# painting says little more: of twelve held-out ones, the style loss is 0.29 of the nearest old
# style's in the mean, and 0.30 from the squares, in half the time.
_SQUARE = 11 / 24

_CONSTANTS = ("statistics_mean", "statistics_spread", "embedding_mean", "embedding_spread")


class StylePredictor(keras.Model):
    """Predicts the style embedding of a style image, for one network.

    A dense network from the statistics of the image, as the loss network sees it (`measure`), to
    gammas and betas: after Ghiasi et al. 2017 (Exploring the structure of a real-time, arbitrary
    neural artistic stylization network), where it stands on Inception-v3's features. Its output is
    in units of the spread of the embeddings that the network has learned, around their mean.

    Call it with statistics, float32 (batch, `view.num_statistics`); it returns float32 (batch,
    embedding_size). With an image, call `predict_embedding`.

    Args:
        fingerprint: of the network (`StyleTransferNetwork.fingerprint`).
        embedding_size: of its styles, such as 3,206.
        view: how style images are looked at; by default at 256 px through VGG16.
        widths: of the hidden layers.
        vgg_weights: of the loss network, see `cin_style.losses.vgg.LossNetwork`.

    Attributes:
        fingerprint, embedding_size, view: as given.

    Example:

        >>> from cin_style import StyleTransferNetwork
        >>> network = StyleTransferNetwork(["sea", "sky"], widths=(4, 6, 8), residual_blocks=1)
        >>> predictor = StylePredictor(network.fingerprint, network.embedding_size)
        >>> painting = np.random.default_rng(0).random((40, 60, 3))
        >>> predictor.predict_embedding(painting).shape == (network.embedding_size,)
        True
    """

    def __init__(
        self,
        fingerprint: str,
        embedding_size: int,
        view: StyleView | None = None,
        widths: Sequence[int] = (640, 256),
        vgg_weights: str = "",
    ) -> None:
        super().__init__()
        self.fingerprint = fingerprint
        self.embedding_size = embedding_size
        self.view = view or StyleView()
        self._eye = _Eye(self.view, vgg_weights)
        self._dense = [
            keras.layers.Dense(width, activation="gelu", dtype="float32") for width in widths
        ]
        self._dense.append(keras.layers.Dense(embedding_size, dtype="float32"))
        sizes = (self.view.num_statistics,) * 2 + (embedding_size,) * 2
        self._constants = {
            name: self.add_weight(
                name=name,
                shape=(size,),
                initializer="zeros" if name.endswith("mean") else "ones",
                dtype="float32",
                autocast=False,
                trainable=False,
            )
            for name, size in zip(_CONSTANTS, sizes, strict=True)
        }
        width = self.view.num_statistics
        for layer in self._dense:
            layer.build((None, width))
            width = layer.units
        self.built = True

    @classmethod
    def of(
        cls, network: StyleTransferNetwork, view: StyleView | None = None, vgg_weights: str = ""
    ) -> Self:
        """An untrained predictor for a network, in units of its styles' embeddings."""
        predictor = cls(network.fingerprint, network.embedding_size, view, vgg_weights=vgg_weights)
        embeddings = network.get_style_embeddings()
        predictor._set("embedding_mean", embeddings.mean(axis=0))
        # What all known styles agree upon stays nearly as it is.
        predictor._set("embedding_spread", np.maximum(embeddings.std(axis=0), 1e-3))
        return predictor

    def set_statistics(self, statistics: np.ndarray) -> None:
        """Takes the mean and spread of statistics (count, num_statistics) as those of all."""
        self._set("statistics_mean", statistics.mean(axis=0))
        # A channel that says nothing in these images must not drown all others in the next.
        self._set("statistics_spread", np.maximum(statistics.std(axis=0), 1e-2))

    def _set(self, name: str, values: np.ndarray) -> None:
        self._constants[name].assign(np.asarray(values, "float32"))

    def call(self, statistics: Any) -> Any:
        known = {name: ops.convert_to_tensor(value) for name, value in self._constants.items()}
        x = (statistics - known["statistics_mean"]) / known["statistics_spread"]
        for layer in self._dense:
            x = layer(x)
        return known["embedding_mean"] + known["embedding_spread"] * x

    def in_spreads(self, embeddings: Any) -> Any:
        """Embeddings (..., embedding_size) in units of the known ones' spread around their mean."""
        mean, spread = (
            ops.convert_to_tensor(self._constants[name])
            for name in ("embedding_mean", "embedding_spread")
        )
        return (embeddings - mean) / spread

    # === Use ===

    def predict_embedding(self, image: Any) -> np.ndarray:
        """The style embedding of a style image.

        Args:
            image: the path of a file, a `PIL.Image`, or an array (height, width, 3), uint8 or
                float in [0, 1], of any size from 16 px each way up; it is scaled to `view.size`
                px, and four squares of it are looked at, nearly half as wide each. Of an image more
                than four times as long as wide, they are in the middle.

        Returns:
            float32 (embedding_size,), as `StyleTransferNetwork.get_style_embedding` gives it.

        Raises:
            UserError: an image that can't be read, is blank or too small; weights of the loss
                network that can't be read.
        """
        pixels = style_image(image, self.view.size)
        statistics = self._eye.measure(pixels)
        return np.array(ops.convert_to_numpy(self(statistics))[0])

    def card(self, image: Any, style: Any) -> StyleCard:
        """The predicted style of an image as a `StyleCard`.

        Args:
            image: see `predict_embedding`.
            style: its name, a dictionary with provenance, or a `Style`.
        """
        return StyleCard(style, self.predict_embedding(image), self.fingerprint)

    def fits(self, network: StyleTransferNetwork) -> bool:
        """Whether the network has the convolutions it was trained for."""
        return (self.fingerprint, self.embedding_size) == (
            network.fingerprint,
            network.embedding_size,
        )

    def check(self, network: StyleTransferNetwork) -> None:
        """Raises a `UserError` unless it `fits` the network."""
        if not self.fits(network):
            raise UserError(
                f"the predictor belongs to another network ({self.fingerprint[:12]}, this is "
                f"{network.fingerprint[:12]}): embeddings only work with the convolutions and the "
                "upsampling they were learned on. Train one for this network with "
                "`train_predictor`."
            )

    # === Files ===

    def _arrays(self) -> dict[str, np.ndarray]:
        """All that it has learned, as it is stored."""
        found = {
            name: ops.convert_to_numpy(value).astype("<f4")
            for name, value in self._constants.items()
        }
        for index, layer in enumerate(self._dense):
            found[f"kernel_{index}"] = ops.convert_to_numpy(layer.kernel).astype("<f2")
            found[f"bias_{index}"] = ops.convert_to_numpy(layer.bias).astype("<f4")
        return found

    def _describe(self) -> bytes:
        description = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "embedding_size": self.embedding_size,
            "view": dataclasses.asdict(self.view),
        }
        return json.dumps(description).encode()

    @property
    def digest(self) -> str:
        """A hash of what its file holds."""
        return _seal(self._describe(), self._arrays()).tobytes().hex()

    def save(self, path: str | os.PathLike) -> None:
        """Writes the predictor (`.npz`), kernels in float16, atomically.

        With the usual 3,206 outputs it is under 4 MB.

        Raises:
            UserError: another suffix, or weights that float16 does not hold.
        """
        path = pathlib.Path(path)
        if path.suffix != ".npz":
            raise UserError(f"a predictor's file must end in .npz. Received: {path}")
        arrays = self._arrays()
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise UserError("the predictor's weights are not finite in float16: not saved.")
        text = self._describe()
        buffer = io.BytesIO()
        np.savez(
            buffer,
            predictor=np.frombuffer(text, np.uint8),
            seal=_seal(text, arrays),
            **arrays,  # type: ignore[arg-type]
        )
        with write_beside(path) as temporary:
            temporary.write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike, vgg_weights: str = "") -> Self:
        """Reads a predictor.

        Args:
            path: a file that `save` or `train_predictor` wrote.
            vgg_weights: of the loss network, see `cin_style.losses.vgg.LossNetwork`.

        Raises:
            UserError: a file that is missing, no predictor, cut short, altered or of a newer
                format.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            raise UserError(f"no such predictor: {path}. Check the path.")
        try:
            text, arrays = _read(path)
            description = json.loads(text)
            found = description["format"]
            if found == FORMAT:
                predictor = cls._from(description, arrays, vgg_weights)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # whatever a file made up by someone leads to
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(
                f"{path} is no predictor, or is damaged: {reason}. Get it again from its maker."
            ) from error
        if found != FORMAT:
            raise UserError(
                f"{path} has the format {found}; this version of cin_style reads {FORMAT}. Update "
                "cin_style."
            )
        return predictor

    @classmethod
    def _from(
        cls, description: dict[str, Any], arrays: dict[str, np.ndarray], vgg_weights: str
    ) -> Self:
        seal = arrays.pop("seal")
        if not np.array_equal(seal, _seal(json.dumps(description).encode(), arrays)):
            raise UserError("it was altered after it was made. Get it again from its maker.")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise UserError("it holds weights that are not finite. Get it again from its maker.")
        view = StyleView(**description["view"])
        kernels = [arrays[f"kernel_{index}"] for index in range((len(arrays) - 4) // 2)]
        predictor = cls(
            str(description["fingerprint"]),
            int(description["embedding_size"]),
            view,
            [kernel.shape[1] for kernel in kernels[:-1]],
            vgg_weights,
        )
        for index, layer in enumerate(predictor._dense):
            layer.kernel.assign(kernels[index].astype("float32"))
            layer.bias.assign(arrays[f"bias_{index}"])
        for name in _CONSTANTS:
            predictor._constants[name].assign(arrays[name])
        return predictor


def _read(path: pathlib.Path) -> tuple[bytes, dict[str, np.ndarray]]:
    """A predictor's description, and its arrays with the seal."""
    if path.stat().st_size > LARGEST:
        raise UserError(f"it is larger than a predictor can be ({LARGEST // 2**20} MB).")
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
            raise ValueError("it unpacks to more than a predictor can hold")
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return arrays.pop("predictor").tobytes(), arrays


def _seal(text: bytes, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """A hash of all that a file holds."""
    digest = hashlib.sha256(text)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


class _Eye:
    """Measures style images; the loss network is made when it is first needed.

    No layer of Keras': it is no part of what is trained and saved.
    """

    def __init__(self, view: StyleView, weights: str) -> None:
        self._view, self._weights = view, weights
        self._lock = threading.Lock()
        self._look: keras.Model | None = None

    def measure(self, pixels: np.ndarray) -> np.ndarray:
        """The statistics of `squares` of an image, all together: (1, num_statistics)."""
        side = max(round(_SQUARE * self._view.size), min(SMALLEST_SIDE, *pixels.shape[:2]))
        with self._lock:
            if self._look is None:
                self._look = _Look(self._view, self._weights)
            return self._look.predict_on_batch(squares(pixels, side))


class _Look(keras.Model):
    """The statistics (1, num_statistics) of several images of a size, taken together."""

    def __init__(self, view: StyleView, weights: str) -> None:
        super().__init__(name="look")
        self._layers_seen = view.layers
        self._loss_network = view.make_loss_network(weights)

    def call(self, images: Any) -> Any:
        seen = see(self._loss_network, images, self._layers_seen)
        below_each_other = {
            layer: ops.reshape(values, (1, -1, *values.shape[2:])) for layer, values in seen.items()
        }
        return measure(below_each_other, self._layers_seen)


def squares(pixels: np.ndarray, side: int) -> np.ndarray:
    """Four squares of an image, each in the middle of a quarter, as far as it has room there.

    Args:
        pixels: (height, width, 3), neither under `side`.
        side: in px.

    Returns:
        Like `pixels`: (4, side, side, 3).

    Example:

        >>> squares(np.arange(16.0).reshape(4, 4, 1) * np.ones(3), 1)[:, 0, 0, 0].tolist()
        [0.0, 2.0, 8.0, 10.0]
    """
    (tops, lefts) = (
        [min(max(0, round(length * share - side / 2)), length - side) for share in (0.25, 0.75)]
        for length in pixels.shape[:2]
    )
    return np.stack(
        [pixels[top : top + side, left : left + side] for top in tops for left in lefts]
    )


def style_image(image: Any, size: int) -> np.ndarray:
    """A style image as it is looked at.

    Args:
        image: see `StylePredictor.predict_embedding`.
        size: the short side wanted, in px.

    Returns:
        float32 (height, width, 3) in [0, 1].

    Raises:
        UserError: an image that can't be read, is blank or too small.

    Example:

        >>> stripes = np.tile(np.linspace(0, 1, 40)[:, None, None], (1, 60, 3))
        >>> style_image(stripes, 20).shape
        (20, 30, 3)
    """
    named = isinstance(image, str | os.PathLike)
    try:
        pixels = as_pixels(image)
    except UserError as error:
        raise UserError(f"the style image {image if named else ''}: {error}") from error
    if pixels.dtype != np.uint8:
        pixels = files.to_uint8(pixels)
    height, width = pixels.shape[:2]
    most = _LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    pixels = pixels[top : top + most, left : left + most]
    if np.ptp(pixels, axis=(0, 1)).max() < _BLANK:
        raise UserError(
            f"the style image{f' {image}' if named else ''} is blank: it has one colour and no "
            "style. Choose another."
        )
    return files.from_uint8(np.asarray(files.scaled(Image.fromarray(pixels), short_side=size)))
