"""The style transfer network: contract, residual, expand (Dumoulin et al. 2017, table 3)."""

import io
import json
import pathlib
import zipfile

import h5py
import keras
import numpy as np
from keras import ops

from cin_style import styles as style_sets
from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.layers import ConditionalInstanceNormalization, ReflectionPadding2D

SMALLEST_SIDE = 16


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
        dtype: dtype policy for the layers, such as `"mixed_bfloat16"` to train with; by
            default Keras' global one. It is not saved: a file loads under the global policy.

    Attributes:
        styles: tuple of `cin_style.Style`, in the order of `style_weights`.

    Raises:
        UserError: no style, or two of one name.
    """

    def __init__(self, styles, widths=(32, 64, 128), residual_blocks=5, dtype=None, **kwargs):
        styles = style_sets.unique(styles)
        widths = tuple(widths)

        # === Functional Model ===
        images = keras.Input((None, None, 3), name="images", dtype="float32")
        style_weights = keras.Input((len(styles),), name="style_weights", dtype="float32")

        def convolve(x, name, filters, size, strides=1, activation="relu", norm_dtype=dtype):
            x = ReflectionPadding2D(size // 2, name=f"{name}_pad", dtype=dtype)(x)
            x = keras.layers.Conv2D(
                filters,
                size,
                strides,
                use_bias=False,
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
                name=f"{name}_conv",
                dtype=dtype,
            )(x)
            x = ConditionalInstanceNormalization(
                len(styles), name=f"{name}_norm", dtype=norm_dtype
            )([x, style_weights])
            if activation:
                x = keras.layers.Activation(
                    activation, name=f"{name}_{activation}", dtype=norm_dtype
                )(x)
            return x

        x = PadToMultiple(2 ** (len(widths) - 1), name="pad_to_multiple", dtype=dtype)(images)
        for index, filters in enumerate(widths):
            strides, size = (1, 9) if index == 0 else (2, 3)
            x = convolve(x, f"contract_{index + 1}", filters, size, strides)
        for index in range(residual_blocks):
            name = f"residual_{index + 1}"
            y = convolve(x, f"{name}a", widths[-1], 3)
            y = convolve(y, f"{name}b", widths[-1], 3, activation=None)
            x = keras.layers.Add(name=f"{name}_add", dtype=dtype)([x, y])
        for index, filters in enumerate(reversed(widths[:-1])):
            name = f"expand_{index + 1}"
            x = keras.layers.UpSampling2D(2, name=f"{name}_upsample", dtype=dtype)(x)
            x = convolve(x, name, filters, 3)
        # The picture itself is made in float32, whatever the dtype policy.
        x = convolve(x, f"expand_{len(widths)}", 3, 9, activation="sigmoid", norm_dtype="float32")
        pastiches = CropLike(name="crop", dtype="float32")([x, images])

        super().__init__(inputs=[images, style_weights], outputs=pastiches, **kwargs)

        # === Config ===
        self.styles = styles
        self.widths = widths
        self.residual_blocks = residual_blocks

    def get_config(self):
        return {
            "name": self.name,
            "styles": [style.to_dict() for style in self.styles],
            "widths": list(self.widths),
            "residual_blocks": self.residual_blocks,
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

    def with_styles(self, styles, embeddings=None):
        """A new network with these convolutions (copied) and other styles.

        Args:
            styles: the new network's styles.
            embeddings: (len(styles), 3206); `None` gives every style gamma 1 and beta 0.
        """
        other = type(self)(styles, self.widths, self.residual_blocks)
        for mine, theirs in zip(self.convolutions, other.convolutions, strict=True):
            theirs.kernel.assign(mine.kernel)
        if embeddings is not None:
            other.set_style_embeddings(embeddings)
        return other


def save(network, path, half=False):
    """Saves a network as one `.keras` file, atomically.

    Args:
        network: a `StyleTransferNetwork`.
        path: ends in `.keras`.
        half: store the weights in float16 (half the size; they load as float32).

    Raises:
        UserError: a path with another suffix.
    """
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        raise UserError(f"a model file must end in .keras. Received: {path}")
    with write_beside(path) as temporary:
        network.save(temporary)
        if half:
            _halve(temporary)


def _halve(path):
    """Rewrites the weights inside a `.keras` archive in float16."""
    with write_beside(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for entry in source.infolist():
                data = source.read(entry)
                if entry.filename.endswith(".weights.h5"):
                    data = _halve_h5(data)
                target.writestr(entry, data)


def _halve_h5(data):
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(buffer, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                copied = target.create_dataset(name, data=item[()].astype(np.float16))
            else:
                copied = target.require_group(name)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return buffer.getvalue()


def load(path):
    """Loads a network from a `.keras` file, in Keras' safe mode.

    Args:
        path: the file, or the name of a network that comes with the package (see
            `bundled`).

    Returns:
        A `StyleTransferNetwork`, float32.

    Raises:
        UserError: a file that is missing, damaged or not a network of this package.
    """
    path = bundled().get(str(path), pathlib.Path(path))
    if not path.is_file():
        raise UserError(
            f"no such model file: {path}. Give a .keras file that cin-style train wrote, or one "
            f"of the networks in the package: {', '.join(bundled()) or 'none'}."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise UserError(
            f"{path} is not a model file, or is cut short ({error}). Copy it again."
        ) from error
    if damaged:
        raise UserError(f"{path} is damaged at {damaged}. Copy it again.")
    if config.get("registered_name") != "cin_style>StyleTransferNetwork":
        raise UserError(
            f"{path} holds a {config.get('class_name')}, not a StyleTransferNetwork. "
            "Give a model that cin-style train wrote."
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path} does not hold a usable network: {reason}") from error


def bundled():
    """The networks that come with the package: names to paths."""
    folder = pathlib.Path(__file__).parent / "models"
    return {path.stem: path for path in sorted(folder.glob("*.keras"))}
