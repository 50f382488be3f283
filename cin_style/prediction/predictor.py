"""The style predictor: from a style image to a style embedding of one network, in one look."""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.files import check_format, parse_json, write_beside
from cin_style.networks.cards import StyleCard
from cin_style.networks.styled import Styled
from cin_style.prediction import looking
from cin_style.prediction.statistics import StyleView

FORMAT = 1

# In bytes, of a file and of what it unpacks to: four times what 3,206 outputs take.
LARGEST = 16 * 2**20

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
        self._eye = looking.Eye(self.view, vgg_weights)
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
    def of(cls, network: Styled, view: StyleView | None = None, vgg_weights: str = "") -> Self:
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
        pixels = looking.style_image(image, self.view.size)
        statistics = self._eye.measure(pixels)
        return np.array(ops.convert_to_numpy(self(statistics))[0])

    def card(self, image: Any, style: Any) -> StyleCard:
        """The predicted style of an image as a `StyleCard`.

        Args:
            image: see `predict_embedding`.
            style: its name, a dictionary with provenance, or a `Style`.
        """
        return StyleCard(style, self.predict_embedding(image), self.fingerprint)

    def fits(self, network: Styled) -> bool:
        """Whether the network has the convolutions it was trained for."""
        return (self.fingerprint, self.embedding_size) == (
            network.fingerprint,
            network.embedding_size,
        )

    def check(self, network: Styled) -> None:
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
            description = parse_json(text)
            check_format(description["format"], FORMAT)
            return cls._from(description, arrays, vgg_weights)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
        except Exception as error:  # whatever a file made up by someone leads to
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(
                f"{path} is no predictor, or is damaged: {reason}. Get it again from its maker."
            ) from error

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
