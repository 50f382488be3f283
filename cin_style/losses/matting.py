"""The matting Laplacian: how far a picture is from a local affine map of a photo's colours."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops


class MattingLaplacian:
    """The matting Laplacian of a photo (Levin et al. 2008, equation 12), without its matrix.

    In every window w of 3 x 3 px the values v are fitted by an affine map of the photo's colours,

        min over a_w, b_w of  sum over i in w of (v_i - a_w . I_i - b_w)^2 + epsilon |a_w|^2

    and the energy v^T L v is the sum of these minima (there, equation 10). With d_i the colours
    without their mean over the window, and S_w = sum of d_i d_i^T + epsilon 1 = R_w R_w^T, the
    product with the matrix is

        (L v)_i = sum over w that hold i of  v_i - mean_w(v) - q_wi . sum over j in w of q_wj v_j

    where q_wi = R_w^-1 d_i. These depend on the photo alone, and are computed once, in float64:
    27 numbers a pixel, and nothing that cancels is left to compute in float32.

    Args:
        photo: float (height, width, 3) in [0, 1], at least 3 px each way.
        epsilon: how much slopes cost; 1e-7 in Luan et al. 2017.

    Raises:
        ValueError: a photo of another shape.

    Example:
        >>> photo = np.random.default_rng(0).random((8, 6, 3))
        >>> laplacian = MattingLaplacian(photo)
        >>> warmer = 0.5 * photo + [0.3, 0.1, 0.0]
        >>> bool(laplacian.energy(warmer) < 1e-5 < laplacian.energy(photo[::-1]))
        True
    """

    def __init__(self, photo: np.ndarray, epsilon: float = 1e-7) -> None:
        if photo.ndim != 3 or photo.shape[-1] != 3 or min(photo.shape[:2]) < 3:
            raise ValueError(
                f"`photo` must be (height, width, 3), 3 px or more. Received: {photo.shape}"
            )
        self.shape = photo.shape[:2]
        colours = np.stack(list(_windows(np.asarray(photo, "float64"), self.shape)))
        colours -= colours.mean(axis=0)
        spread = np.einsum("khwi,khwj->hwij", colours, colours) + epsilon * np.eye(3)
        root = np.linalg.cholesky(spread)
        whitened = np.linalg.solve(root[None], colours[..., None])[..., 0]
        self._whitened = whitened.astype("float32")

    @property
    def constants(self) -> np.ndarray:
        """What depends on the photo alone, float32 (9, height - 2, width - 2, 3)."""
        return self._whitened

    def product(self, values: Any, constants: Any = None) -> Any:
        """The matrix times some values.

        Args:
            values: (height, width, channels), each channel by itself.
            constants: `constants` as a tensor, for compiled functions: so it is an argument of
                theirs, no part of them.

        Returns:
            float32, as large.
        """
        whitened = ops.convert_to_tensor(self._whitened if constants is None else constants)
        windows = ops.stack(list(_windows(ops.cast(values, "float32"), self.shape)))
        windows = windows - ops.mean(windows, axis=0, keepdims=True)
        slopes = ops.einsum("khwi,khwc->hwic", whitened, windows)
        residuals = windows - ops.einsum("khwi,hwic->khwc", whitened, slopes)
        padded = (
            ops.pad(residuals[index], ((down, 2 - down), (right, 2 - right), (0, 0)))
            for index, (down, right) in enumerate(np.ndindex(3, 3))
        )
        return sum(padded)

    def energy(self, values: Any, constants: Any = None) -> Any:
        """v^T L v, summed over the channels; its gradient is 2 L v, at no further cost.

        Args, Returns: see `product`; a scalar.
        """
        values = ops.cast(values, "float32")
        # What all pixels have in common is in the matrix's null space, and would only be rounded.
        values = values - ops.stop_gradient(ops.mean(values, axis=(0, 1)))
        product = ops.stop_gradient(self.product(values, constants))
        found = ops.sum(values * product)
        # The gradient of the first sum is 2 L v, its value twice the energy.
        return 2 * found - ops.stop_gradient(found)


def _windows(values: Any, shape: tuple[int, int]) -> Iterator[Any]:
    """The values at each of the nine places in all windows of 3 x 3, nine of (h - 2, w - 2, c)."""
    height, width = shape
    for down, right in np.ndindex(3, 3):
        yield values[down : height - 2 + down, right : width - 2 + right]
