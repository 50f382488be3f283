"""The style transfer network: contract, residual, expand (Dumoulin et al. 2017, table 3)."""

import dataclasses
import hashlib

import keras
import numpy as np
from keras import ops

from cin_style.errors import UserError
from cin_style.networks.layers import ConditionalInstanceNormalization, ReflectionPadding2D
from cin_style.styles import style as style_sets


@keras.saving.register_keras_serializable(package="cin_style")
class PadToMultiple(keras.layers.Layer):
    """Mirrors rows and columns onto the bottom and right until both are multiples.

    Args:
        multiple: of which height and width shall be multiples.
    """

    def __init__(self, multiple, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, inputs):
        # Side lengths that are known when the graph is traced stay plain integers.
        shape = ops.shape(inputs)
        bottom, right = (-shape[1] % self.multiple, -shape[2] % self.multiple)
        if isinstance(bottom, int) and isinstance(right, int) and bottom + right == 0:
            return inputs
        return ops.pad(inputs, ((0, 0), (0, bottom), (0, right), (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height, width = (
            None if side is None else side + -side % self.multiple for side in (height, width)
        )
        return batch, height, width, channels

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="cin_style")
class CropLike(keras.layers.Layer):
    """Crops the first input at the bottom and right to the size of the second."""

    def call(self, inputs):
        images, like = inputs
        shape = ops.shape(like)
        return images[:, : shape[1], : shape[2], :]

    def compute_output_shape(self, input_shape):
        images, like = input_shape
        return (images[0], like[1], like[2], images[3])


@keras.saving.register_keras_serializable(package="cin_style")
class HalveMap(keras.layers.Layer):
    """Averages over 2 x 2 pixels; a constant map stays the same to the bit.

    (Summing four equal floats before dividing, as a pooling layer does, may round.)
    """

    def call(self, inputs):
        rows = 0.5 * (inputs[:, ::2] + inputs[:, 1::2])
        return 0.5 * (rows[:, :, ::2] + rows[:, :, 1::2])

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (
            batch,
            None if height is None else height // 2,
            None if width is None else width // 2,
            channels,
        )


@keras.saving.register_keras_serializable(package="cin_style")
class StyleTransferNetwork(keras.Model):
    """Paints photos in N styles; a style is the gammas and betas of its 16 normalizations.

    Call it as `network([images, style_weights])`:

    - images: float32 (batch, height, width, 3), RGB in [0, 1]; any height and width from
      16 px up.
    - style_weights: (batch, num_styles); row i says in which style image i is painted:
      one-hot for one style, several non-zero weights for a blend.

    Returns the pastiches, float32, shaped like `images`, in [0, 1].

    All styles share the 1,674,432 weights of the sixteen convolutions; a style is 3,206
    numbers more. The final layer is a sigmoid, and every convolution pads by reflection.

    Args:
        styles: names, dictionaries with provenance, or `cin_style.Style`; one per style.
        widths: channels of the contracting convolutions; the expanding ones mirror them.
        residual_blocks: number of residual blocks.
        upsampling: how the expanding part enlarges: `"nearest"`, as in the paper, or
            `"bilinear"`. Neither by itself keeps small squares out of pictures; a loss does,
            with either (`losses.blockiness`).
        grain: how much noise (`cin_style.images.add_grain`) photos shall get before they are
            painted, see `cin_style.Stylizer`; the network itself adds none.
        loss_options: what decides the loss it is trained with (`cin_style.recipe.remember`), for
            fine-tuning and evaluating to go by; a dictionary, by default empty.
        dtype: dtype policy for the layers, such as `"mixed_bfloat16"` to train with; by
            default Keras' global one. It is not saved: a file loads under the global policy.

    Attributes:
        styles: tuple of `cin_style.Style`, in the order of `style_weights`.
        upsampling, grain, loss_options: as given.

    Raises:
        UserError: no style, or two of one name.
        ValueError: an unknown `upsampling`.
    """

    def __init__(
        self,
        styles,
        widths=(32, 64, 128),
        residual_blocks=5,
        upsampling="nearest",
        grain=0.0,
        loss_options=None,
        dtype=None,
        **kwargs,
    ):
        styles = style_sets.unique(styles)
        widths = tuple(widths)
        if upsampling not in ("nearest", "bilinear"):
            raise ValueError(
                f"upsampling must be 'nearest' or 'bilinear'. Received: upsampling={upsampling!r}"
            )

        layers = {}

        def layer(layer_class, name, *arguments, dtype=dtype, **options):
            """Makes the layer of this name, or on the second pass takes it again."""
            if name not in layers:
                layers[name] = layer_class(*arguments, name=name, dtype=dtype, **options)
            return layers[name]

        def convolve(
            x,
            style_weights,
            name,
            filters,
            size,
            strides=1,
            activation="relu",
            smooth=False,
            **norm,
        ):
            x = layer(ReflectionPadding2D, f"{name}_pad", size // 2 + smooth)(x)
            if smooth:
                # After nearest upsampling, two averages of neighbours make it bilinear. (Keras'
                # bilinear upsampling, 3.15, can't trace a graph for images of any size.)
                for index in (1, 2):
                    x = layer(keras.layers.AveragePooling2D, f"{name}_average_{index}", 2, 1)(x)
            x = layer(
                keras.layers.Conv2D,
                f"{name}_conv",
                filters,
                size,
                strides,
                use_bias=False,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            )(x)
            x = layer(ConditionalInstanceNormalization, f"{name}_norm", len(styles), **norm)(
                [x, style_weights]
            )
            if activation:
                x = layer(keras.layers.Activation, f"{name}_{activation}", activation, **norm)(x)
            return x

        def connect(images, style_weights):
            """Paints `images`; `style_weights[k]` are for layers at 1 / 2^k of their size."""
            depth = len(widths) - 1
            x = layer(PadToMultiple, "pad_to_multiple", 2**depth)(images)
            x = convolve(x, style_weights[0], "contract_1", widths[0], 9)
            for k in range(1, depth + 1):
                x = convolve(x, style_weights[k], f"contract_{k + 1}", widths[k], 3, 2)
            for index in range(1, residual_blocks + 1):
                name = f"residual_{index}"
                y = convolve(x, style_weights[depth], f"{name}a", widths[-1], 3)
                y = convolve(y, style_weights[depth], f"{name}b", widths[-1], 3, activation=None)
                x = layer(keras.layers.Add, f"{name}_add")([x, y])
            for k in reversed(range(depth)):
                name = f"expand_{depth - k}"
                x = layer(keras.layers.UpSampling2D, f"{name}_upsample", 2)(x)
                x = convolve(
                    x, style_weights[k], name, widths[k], 3, smooth=upsampling == "bilinear"
                )
            # The picture itself is made in float32, whatever the dtype policy.
            name = f"expand_{depth + 1}"
            x = convolve(x, style_weights[0], name, 3, 9, activation="sigmoid", dtype="float32")
            return layer(CropLike, "crop", dtype="float32")([x, images])

        # === Functional Model ===
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        style_weights = keras.Input((len(styles),), name="style_weights", dtype="float32")
        pastiches = connect(images, [style_weights] * len(widths))
        super().__init__(inputs=[images, style_weights], outputs=pastiches, **kwargs)

        # === Config ===
        self.styles = styles
        self.widths = widths
        self.residual_blocks = residual_blocks
        self.upsampling = upsampling
        self.grain = grain
        self.loss_options = dict(loss_options or {})
        self._connect = connect

    def get_config(self):
        return {
            "name": self.name,
            "styles": [style.to_dict() for style in self.styles],
            "widths": list(self.widths),
            "residual_blocks": self.residual_blocks,
            "upsampling": self.upsampling,
            "grain": self.grain,
            "loss_options": dict(self.loss_options),
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    @property
    def num_styles(self):
        """N, the number of styles."""
        return len(self.styles)

    @property
    def normalizations(self):
        """The `ConditionalInstanceNormalization` layers, in network order."""
        return [
            layer for layer in self.layers if isinstance(layer, ConditionalInstanceNormalization)
        ]

    @property
    def convolutions(self):
        """The `Conv2D` layers, in network order."""
        return [layer for layer in self.layers if isinstance(layer, keras.layers.Conv2D)]

    def find_style(self, key):
        """The index of a style given by name or number; see `cin_style.styles.find`."""
        return style_sets.find(self.styles, key)

    def get_style_embeddings(self):
        """Every style's gammas and betas: float32 (num_styles, 3206).

        A row is gamma, then beta, of each normalization layer in network order.
        """
        tables = [
            ops.convert_to_numpy(table)
            for layer in self.normalizations
            for table in (layer.gamma, layer.beta)
        ]
        return np.concatenate(tables, axis=1)

    def set_style_embeddings(self, embeddings):
        """Sets every style's gammas and betas from an array (num_styles, 3206).

        Raises:
            ValueError: for an array of another shape.
        """
        widths = [layer.gamma.shape[1] for layer in self.normalizations for _ in range(2)]
        expected = (self.num_styles, sum(widths))
        if np.shape(embeddings) != expected:
            raise ValueError(
                f"expected style embeddings of shape {expected}. Received: {np.shape(embeddings)}"
            )
        tables = np.split(np.asarray(embeddings, "float32"), np.cumsum(widths)[:-1], axis=1)
        for index, layer in enumerate(self.normalizations):
            layer.gamma.assign(tables[2 * index])
            layer.beta.assign(tables[2 * index + 1])

    @property
    def palette_columns(self):
        """The columns of style embeddings that are the last gamma and beta, as a slice."""
        return slice(-2 * self.normalizations[-1].gamma.shape[1], None)

    def set_palettes(self, style_images):
        """Gives every style's pastiches the mean and contrast of its image, per colour channel.

        Sets the last gamma and beta, from which the sigmoid makes the colours, to the standard
        deviation and mean of the image's logits. A start for training that is free: from 1 and
        0, hundreds of steps are spent on it.

        Args:
            style_images: one float array (height, width, 3) in [0, 1] per style.
        """
        last = self.normalizations[-1]
        # Pure black and white have no finite logit.
        pixels = [np.clip(image, 0.02, 0.98).reshape(-1, 3) for image in style_images]
        logits = [np.log(values / (1 - values)) for values in pixels]
        last.gamma.assign(np.stack([values.std(axis=0) for values in logits]))
        last.beta.assign(np.stack([values.mean(axis=0) for values in logits]))

    def copy_convolutions(self, other):
        """Takes over the convolutions of another network, whose upsampling may differ.

        Raises:
            UserError: when the other has another architecture.
        """
        if (self.widths, self.residual_blocks) != (other.widths, other.residual_blocks):
            raise UserError("the other network has another architecture (widths or blocks).")
        for mine, theirs in zip(self.convolutions, other.convolutions, strict=True):
            # A copy: on JAX, variables would share an array that the first step gives away.
            mine.kernel.assign(np.array(ops.convert_to_numpy(theirs.kernel)))

    def get_style_embedding(self, key):
        """One style's gammas and betas: float32 (3206,); see `get_style_embeddings`."""
        return self.get_style_embeddings()[self.find_style(key)]

    @property
    def fingerprint(self):
        """A hash of the convolutions and the upsampling, on which a style embedding depends.

        Styles don't enter into it, nor does whether the file stores float16 or float32.
        """
        digest = hashlib.sha256()
        if self.upsampling != "nearest":
            digest.update(self.upsampling.encode())
        for layer in self.convolutions:
            kernel = ops.convert_to_numpy(layer.kernel).astype("<f2")
            digest.update(repr(kernel.shape).encode() + kernel.tobytes())
        return digest.hexdigest()

    def with_styles(self, styles, embeddings=None, dtype=None):
        """A new network with these convolutions (copied) and other styles.

        Args:
            styles: the new network's styles.
            embeddings: (len(styles), 3206); `None` gives every style gamma 1 and beta 0.
            dtype: see the class.
        """
        other = type(self)(
            styles,
            self.widths,
            self.residual_blocks,
            self.upsampling,
            self.grain,
            self.loss_options,
            dtype=dtype,
        )
        other.copy_convolutions(self)
        if embeddings is not None:
            other.set_style_embeddings(embeddings)
        return other

    def append(self, styles, embeddings):
        """A new network with these styles after the ones it has, which stay as they are.

        Raises:
            UserError: a style of a name that is taken.
        """
        embeddings = np.concatenate([self.get_style_embeddings(), embeddings])
        return self.with_styles([*self.styles, *styles], embeddings)

    def select(self, keys):
        """A new network with only these styles (names or numbers), in this order."""
        rows = [self.find_style(key) for key in keys]
        return self.with_styles(
            [self.styles[row] for row in rows], self.get_style_embeddings()[rows]
        )

    def remove(self, keys):
        """A new network without these styles (names or numbers).

        Raises:
            UserError: an unknown style, or none would be left.
        """
        gone = {self.find_style(key) for key in keys}
        kept = [row for row in range(self.num_styles) if row not in gone]
        if not kept:
            raise UserError("a network needs at least one style; these are all it has.")
        return self.select(kept)

    def rename(self, key, name):
        """A new network in which one style has another name.

        Raises:
            UserError: an unknown style, or a name that is taken or not allowed.
        """
        styles = list(self.styles)
        row = self.find_style(key)
        styles[row] = dataclasses.replace(styles[row], name=name)
        return self.with_styles(styles, self.get_style_embeddings())

    def with_maps(self):
        """The same layers as a model that takes a blend for every pixel.

        Returns:
            A Functional model of `[images, maps]`, where maps are float32 (batch, height,
            width, num_styles), the images' size. For layers that work at a half or a quarter
            of it, the maps are averaged over 2 x 2 pixels once or twice.
        """
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        maps = keras.Input((None, None, self.num_styles), name="maps", dtype="float32")
        multiple = 2 ** (len(self.widths) - 1)
        levels = [PadToMultiple(multiple, name="pad_maps", dtype="float32")(maps)]
        for _ in self.widths[1:]:
            levels.append(HalveMap(dtype="float32")(levels[-1]))
        return keras.Model([images, maps], self._connect(images, levels))
