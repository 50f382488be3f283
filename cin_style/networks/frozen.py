"""A network as it paints, in arrays: nothing that trains, and no Keras."""

import io
import os
import zipfile
from collections.abc import Sequence
from typing import Any, Self

import h5py
import numpy as np

from cin_style.errors import UserError
from cin_style.networks import archive
from cin_style.networks.form import check_form
from cin_style.networks.styled import Styled
from cin_style.styles.style import unique

# Added to variances; the layers' default, which no network changes.
EPSILON = 1e-5


class FrozenNetwork(Styled):
    """The weights of a `StyleTransferNetwork` as arrays.

    Args:
        styles, widths, residual_blocks, upsampling, grain, loss_options: see
            `StyleTransferNetwork`.
        kernels: float (height, width, in, out), one for each convolution.
        embeddings: float (styles, embedding_size).

    Raises:
        UserError: no style, or two of one name; arrays that do not fit each other.
    """

    def __init__(
        self,
        styles: Sequence[Any],
        kernels: Sequence[np.ndarray],
        embeddings: np.ndarray,
        *,
        widths: Sequence[int] = (32, 64, 128),
        residual_blocks: int = 5,
        upsampling: str = "nearest",
        grain: float = 0.0,
        loss_options: dict[str, Any] | None = None,
    ) -> None:
        check_form(widths, residual_blocks, upsampling, grain)
        self.styles = unique(styles)
        self.widths = tuple(widths)
        self.residual_blocks = residual_blocks
        self.upsampling = upsampling
        self.grain = grain
        self.loss_options = dict(loss_options or {})
        self._kernels = [np.asarray(kernel, "float32") for kernel in kernels]
        self._embeddings = np.asarray(embeddings, "float32")
        filters = sum(kernel.shape[-1] for kernel in self._kernels)
        count = 2 * len(self.widths) + 2 * residual_blocks
        if (len(self._kernels), 2 * filters) != (count, self.embedding_size):
            raise UserError(
                f"{len(self._kernels)} convolutions are not those of a network of widths "
                f"{self.widths} with {residual_blocks} residual blocks."
            )
        if not all(np.isfinite(array).all() for array in (*self._kernels, self._embeddings)):
            raise UserError("the network holds numbers that are not finite.")
        expected = (len(self.styles), self.embedding_size)
        if self._embeddings.shape != expected:
            raise UserError(
                f"expected style embeddings of shape {expected}. Received: {self._embeddings.shape}"
            )

    @classmethod
    def of(cls, network: Styled) -> Self:
        """A network of any kind, frozen."""
        return cls(
            network.styles,
            network.kernels(),
            network.get_style_embeddings(),
            widths=network.widths,
            residual_blocks=network.residual_blocks,
            upsampling=network.upsampling,
            grain=network.grain,
            loss_options=network.loss_options,
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Reads a `.keras` file, without Keras.

        Args:
            path: the file, or the name of a network in the package.

        Raises:
            UserError: a file that is missing, damaged or not a network of this package.

        Example:

            >>> network = FrozenNetwork.load("varied32")
            >>> network.num_styles, network.embedding_size
            (32, 3206)
        """
        path = archive.find(path)
        config = archive.read_config(path)
        try:
            config = config["config"]
            config.pop("name", None)
            config.pop("format", None)
            with zipfile.ZipFile(path) as opened:
                weights = io.BytesIO(opened.read("model.weights.h5"))
            with h5py.File(weights) as file:
                kernels = [kernel for (kernel,) in _variables(file, "conv2d")]
                half = any(kernel.dtype == "float16" for kernel in kernels)
                tables = _variables(file, "conditional_instance_normalization")
            embeddings = np.concatenate([part for pair in tables for part in pair], axis=1)
            network = cls(config.pop("styles"), kernels, embeddings, **config)
        except Exception as error:  # whatever a damaged file leads to
            raise archive.unreadable(path, error) from error
        network.stored_half, network.origin = half, archive.name_of(path)
        return network

    def kernels(self) -> list[np.ndarray]:
        """The kernels of the convolutions (height, width, in, out), in network order."""
        return list(self._kernels)

    def get_style_embeddings(self) -> np.ndarray:
        """Every style's gammas and betas: float32 (num_styles, embedding_size)."""
        return self._embeddings.copy()

    def with_styles(self, styles: Sequence[Any], embeddings: np.ndarray | None = None) -> Self:
        """A new network with these convolutions and other styles; see `Styled.with_styles`."""
        if embeddings is None:
            row = np.concatenate(
                [np.repeat([1.0, 0.0], kernel.shape[-1]) for kernel in self._kernels]
            )
            embeddings = np.repeat(row[None], len(styles), axis=0)
        other = type(self)(
            styles,
            self._kernels,
            embeddings,
            widths=self.widths,
            residual_blocks=self.residual_blocks,
            upsampling=self.upsampling,
            grain=self.grain,
            loss_options=self.loss_options,
        )
        return other._came_from(self)


def _variables(file: h5py.File, kind: str) -> list[list[np.ndarray]]:
    """The variables of all layers of a kind, in network order."""
    found: list[list[np.ndarray]] = []
    while (name := f"layers/{kind}{f'_{len(found)}' if found else ''}/vars") in file:
        group = file[name]
        found.append([group[str(index)][()] for index in range(len(group))])
    return found
