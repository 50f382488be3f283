"""How the style transfer network's layers are connected (Dumoulin et al. 2017, table 3)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from cin_style.networks.convolutions import Conv2D, Enlarge
from cin_style.networks.layers import CropLike, PadToMultiple, ReflectionPadding2D


class Layers:
    """Layers by name, each made when it is first asked for."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = dtype
        self._made: dict[str, keras.layers.Layer] = {}

    def get(
        self, layer_class: type, name: str, *arguments: Any, dtype: Any = None, **options: Any
    ) -> keras.layers.Layer:
        """The layer of this name."""
        if name not in self._made:
            dtype = dtype or self._dtype
            self._made[name] = layer_class(*arguments, name=name, dtype=dtype, **options)
        return self._made[name]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """How the layers are connected; what normalizes is given from outside."""

    widths: tuple[int, ...]
    residual_blocks: int
    upsampling: str

    @property
    def depth(self) -> int:
        """How often the picture is halved inside."""
        return len(self.widths) - 1

    def connect(
        self, layers: Layers, normalize: Callable[..., Any], images: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Paints symbolic `images`.

        Args:
            layers: where the layers come from, a `Layers`.
            normalize: called as `normalize(x, name, depth)` for each of the normalizations in
                network order; `x` is at 1 / 2^depth of the images' size.
            images: a `keras.KerasTensor` (batch, height, width, 3).
        """
        widths, depth = self.widths, self.depth
        x = layers.get(PadToMultiple, "pad_to_multiple", 2**depth)(images)
        x = self._convolve(layers, normalize, x, "contract_1", 0, widths[0], 9)
        for k in range(1, depth + 1):
            x = self._convolve(layers, normalize, x, f"contract_{k + 1}", k, widths[k], 3, 2)
        for index in range(1, self.residual_blocks + 1):
            name = f"residual_{index}"
            y = self._convolve(layers, normalize, x, f"{name}a", depth, widths[-1], 3)
            y = self._convolve(
                layers, normalize, y, f"{name}b", depth, widths[-1], 3, activation=None
            )
            x = layers.get(keras.layers.Add, f"{name}_add")([x, y])
        for k in reversed(range(depth)):
            name = f"expand_{depth - k}"
            x = self._convolve(
                layers, normalize, x, name, k, widths[k], 3, upsampling=self.upsampling
            )
        # The picture itself is made in float32, whatever the dtype policy.
        name = f"expand_{depth + 1}"
        x = self._convolve(
            layers, normalize, x, name, 0, 3, 9, activation="sigmoid", dtype="float32"
        )
        return layers.get(CropLike, "crop", dtype="float32")([x, images])

    def _convolve(
        self,
        layers,
        normalize,
        x,
        name,
        depth,
        filters,
        size,
        strides=1,
        activation="relu",
        upsampling="",
        **options,
    ):
        bilinear, nearest = upsampling == "bilinear", upsampling == "nearest"
        if bilinear:
            x = layers.get(Enlarge, f"{name}_upsample")(x)
        if not nearest:
            x = layers.get(ReflectionPadding2D, f"{name}_pad", size // 2 + bilinear)(x)
        if bilinear:
            # After nearest upsampling, two averages of neighbours make it bilinear. (Keras'
            # bilinear upsampling, 3.15, can't trace a graph for images of any size.)
            for index in (1, 2):
                x = layers.get(keras.layers.AveragePooling2D, f"{name}_average_{index}", 2, 1)(x)
        x = layers.get(
            Conv2D,
            f"{name}_conv",
            filters,
            size,
            strides,
            even=depth < self.depth,  # all sides are multiples of 2^depth
            enlarged=nearest,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        )(x)
        x = normalize(x, name, depth, **options)
        if activation:
            name = f"{name}_{activation}"
            x = layers.get(keras.layers.Activation, name, activation, **options)(x)
        return x
