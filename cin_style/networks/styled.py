"""What all networks of styles can do, whatever computes them."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from cin_style.errors import UserError
from cin_style.styles import style as style_sets
from cin_style.styles.style import Style


def embedding_size(widths: Sequence[int], residual_blocks: int) -> int:
    """How many gammas and betas a network of such convolutions has for a style.

    Example:

        >>> embedding_size((32, 64, 128), 5)
        3206
    """
    filters = [*widths, *(2 * residual_blocks * [widths[-1]]), *widths[:-1], 3]
    return 2 * sum(filters)


# Of the files of networks; those of before it was noted are of the first.
FORMAT = 1


class Styled:
    """A network of styles: its convolutions are all styles', a style is an embedding.

    Attributes:
        styles: tuple of `cin_style.Style`, in the order of their numbers.
        widths, residual_blocks, upsampling, grain, loss_options: see `StyleTransferNetwork`.
        in_keras: whether Keras paints with it as it is.
        precision: of its weights; in `int8` pictures differ visibly from those in `float32`.
        stored_half: whether the file it came from holds float16 (`storage.save`).
        origin: what that file, or the network in the package, is called; for people.
    """

    in_keras = False
    precision = "float32"
    stored_half = False
    origin = ""
    styles: tuple[Style, ...]
    widths: tuple[int, ...]
    residual_blocks: int
    upsampling: str
    grain: float
    loss_options: dict[str, Any]

    def kernels(self) -> list[np.ndarray]:
        """The kernels of the convolutions (height, width, in, out), in network order."""
        raise NotImplementedError

    def get_style_embeddings(self) -> np.ndarray:
        """Every style's gammas and betas: float32 (num_styles, embedding_size).

        A row is gamma, then beta, of each normalization layer in network order.
        """
        raise NotImplementedError

    def with_styles(self, styles: Sequence[Any], embeddings: np.ndarray | None = None) -> Self:
        """A new network with these convolutions and other styles.

        Args:
            styles: the new network's styles.
            embeddings: (len(styles), embedding_size); `None` gives every style gamma 1 and beta 0.
        """
        raise NotImplementedError

    def _came_from(self, other: "Styled") -> Self:
        """The same network, which remembers the file that another one came from."""
        self.stored_half, self.origin = other.stored_half, other.origin
        return self

    @property
    def embedding_size(self) -> int:
        """How many numbers a style is: 3,206 with the usual widths."""
        return embedding_size(self.widths, self.residual_blocks)

    @property
    def num_styles(self) -> int:
        """N, the number of styles."""
        return len(self.styles)

    @property
    def fingerprint(self) -> str:
        """A hash of the convolutions and the upsampling, on which a style embedding depends.

        Styles don't enter into it, nor does whether the file stores float16 or float32.
        """
        digest = hashlib.sha256()
        if self.upsampling != "nearest":
            digest.update(self.upsampling.encode())
        for kernel in self.kernels():
            half = kernel.astype("<f2")
            digest.update(repr(half.shape).encode() + half.tobytes())
        return digest.hexdigest()

    def find_style(self, key: str | int) -> int:
        """The index of a style given by name or number; see `cin_style.styles.find`."""
        return style_sets.find(self.styles, key)

    def get_style_embedding(self, key: str | int) -> np.ndarray:
        """One style's gammas and betas: float32 (3206,); see `get_style_embeddings`."""
        return self.get_style_embeddings()[self.find_style(key)]

    def append(self, styles: Sequence[Any], embeddings: Any) -> Self:
        """A new network with these styles after the ones it has, which stay as they are.

        Raises:
            UserError: a style of a name that is taken.
        """
        embeddings = np.concatenate([self.get_style_embeddings(), embeddings])
        return self.with_styles([*self.styles, *styles], embeddings)

    def select(self, keys: Iterable[str | int]) -> Self:
        """A new network with only these styles (names or numbers), in this order."""
        rows = [self.find_style(key) for key in keys]
        return self.with_styles(
            [self.styles[row] for row in rows], self.get_style_embeddings()[rows]
        )

    def remove(self, keys: Iterable[str | int]) -> Self:
        """A new network without these styles (names or numbers).

        Raises:
            UserError: an unknown style, or none would be left.
        """
        gone = {self.find_style(key) for key in keys}
        kept = [row for row in range(self.num_styles) if row not in gone]
        if not kept:
            raise UserError("a network needs at least one style; these are all it has.")
        return self.select(kept)

    def rename(self, key: str | int, name: str) -> Self:
        """A new network in which one style has another name.

        Raises:
            UserError: an unknown style, or a name that is taken or not allowed.
        """
        styles = list(self.styles)
        row = self.find_style(key)
        styles[row] = dataclasses.replace(styles[row], name=name)
        return self.with_styles(styles, self.get_style_embeddings())
