"""Image files to float32 RGB arrays in [0, 1] and back; every way a file can be bad."""

import contextlib
import importlib.util
import io
import logging
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError, features

from cin_style.errors import UserError
from cin_style.files import write_beside
from cin_style.images import limits

_LOG = logging.getLogger("cin_style")

_HEIF = (".heic", ".heif", ".hif")
READABLE = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif"),
    *(".avif", *_HEIF),
)
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")

# All others keep every value.
_WITH_QUALITY = (".jpg", ".jpeg", ".webp")

# The most pixels each way that a file of a format can hold; PNG has room for all.
_LARGEST = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500}

# How many times its width a picture may be long that is scaled to a short side.
_MOST_NARROW = 20

# All of a JPEG's EXIF data stand in one segment.
_LARGEST_EXIF_IN_JPEG = 65_533

# What brings an image upright, by EXIF orientation.
_UPRIGHT_BY = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_rgb(
    source: str | os.PathLike | bytes,
    at_least: int | None = None,
    most_pixels: int | None = None,
) -> Image.Image:
    """Opens an image as an 8-bit RGB `PIL.Image`, upright.

    EXIF orientation is applied, transparency is laid on white, CMYK is converted through
    the file's own ICC profile where it has one, 16-bit and float images are scaled to 8
    bits, and of an animation the first frame is taken.

    Args:
        source: a path, or the bytes of an image file.
        at_least: a short side in pixels; a JPEG may be decoded at a smaller scale (faster)
            as long as its short side stays at or above it.
        most_pixels: how large it may be, see `limits.allowing`.

    Raises:
        UserError: when the file is missing, not an image, damaged or far too large.
    """
    name = "image data" if isinstance(source, bytes) else source
    try:
        with limits.allowing(most_pixels):
            image = open_image(io.BytesIO(source) if isinstance(source, bytes) else source)
        with image:
            if at_least:
                image.draft("RGB", (at_least, at_least))
            image.load()
            return to_rgb(image)
    except FileNotFoundError as error:
        raise UserError(f"no such photo: {name}. Check the path.") from error
    except PermissionError as error:
        raise UserError(f"not allowed to read {name}. Change its permissions.") from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name} is not an image that can be read here: expected JPEG, PNG, WebP, BMP, "
            f"GIF, TIFF, AVIF or HEIC. {_advice(name)}"
        ) from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{name} is too large: {error}. {_advice_on_size(most_pixels)}") from error
    except Exception as error:  # Pillow raises many kinds; on a file, each means a bad one
        reason = str(error) or type(error).__name__
        raise UserError(f"{name} is damaged or unreadable: {reason}. Replace the file.") from error


def _advice_on_size(most_pixels: int | None) -> str:
    if most_pixels is None:
        return "Scale it down first."
    return (
        f"Scale it down first, or, if you trust it, set {limits.VARIABLE} to more than "
        f"{most_pixels / 10**6:g}."
    )


def open_image(source: str | os.PathLike | io.BytesIO) -> Image.Image:
    """`PIL.Image.open`, which also opens HEIC where `pillow_heif` is installed."""
    if isinstance(source, str | os.PathLike) and str(source).lower().endswith(_HEIF):
        with contextlib.suppress(ImportError):
            import pillow_heif  # only now: most people have no such photos

            pillow_heif.register_heif_opener()
    # A pipe or a device by the name of a picture would be waited for, or read without end.
    if not isinstance(source, io.BytesIO) and os.path.exists(source) and not os.path.isfile(source):
        raise OSError("it is no file")
    return Image.open(source)


def _advice(name: Any) -> str:
    """What to do about an image that Pillow does not know."""
    suffix = pathlib.Path(str(name)).suffix.lower()
    if suffix in _HEIF and not importlib.util.find_spec("pillow_heif"):
        return "For HEIC, install pillow-heif: pip install cin_style[heif]."
    if suffix == ".avif" and not features.check("avif"):
        return "For AVIF, install a newer Pillow: pip install --upgrade 'pillow>=11.3'."
    return "Convert it first."


def to_rgb(image: Image.Image) -> Image.Image:
    """A `PIL.Image` of any mode as 8-bit RGB, upright; see `open_rgb`."""
    return _to_rgb(upright(image))


def upright(image: Image.Image) -> Image.Image:
    """A picture turned as its EXIF data say."""
    # Not ImageOps.exif_transpose: it writes all EXIF data anew and fails where that is broken.
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # see above; a photo without its orientation is still a photo
        orientation = None
    method = _UPRIGHT_BY.get(orientation or 1)
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=1e9, neginf=0)
        values = values * (255.0 if image.mode == "F" else 255.0 / 65535.0)
        image = Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            rgb = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if rgb is not None:  # which it is only when it works in place
                return rgb
        except (ImageCms.PyCMSError, OSError):
            pass  # an unusable profile: the plain conversion below is what viewers do, too
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def load(
    path: str | os.PathLike, *, short_side: int | None = None, max_side: int | None = None
) -> np.ndarray:
    """Loads an image file.

    Args, Raises: see `load_pixels`.

    Returns:
        float32 array (height, width, 3), RGB in [0, 1].
    """
    return from_uint8(load_pixels(path, short_side=short_side, max_side=max_side))


def load_pixels(
    path: str | os.PathLike,
    *,
    short_side: int | None = None,
    max_side: int | None = None,
    most_pixels: int | None = None,
) -> np.ndarray:
    """Loads an image file as bytes.

    Args:
        path: an image file (see `open_rgb` for what is done with its orientation etc.).
        short_side: scale to exactly this short side in pixels, up or down.
        max_side: scale down so that the long side has at most this many pixels.
        most_pixels: see `open_rgb`.

    Returns:
        uint8 array (height, width, 3), RGB.

    Raises:
        UserError: see `open_rgb`; a picture too narrow for `short_side`.
    """
    image = open_rgb(path, most_pixels=most_pixels)
    if short_side and max(image.size) > _MOST_NARROW * min(image.size):
        raise UserError(
            f"{path} is {image.width} x {image.height} px, far too narrow to be scaled to a short "
            f"side of {short_side} px. Crop it to at most {_MOST_NARROW} times as long as wide."
        )
    return np.asarray(scaled(image, short_side, max_side))


def scaled(
    image: Image.Image,
    short_side: int | None = None,
    max_side: int | None = None,
    reducing_gap: float | None = None,
) -> Image.Image:
    """An image scaled as `load_pixels` does it; with a gap quicker and nearly so, see Pillow."""
    scale = 1.0
    if short_side:
        scale = short_side / min(image.size)
    if max_side and max(image.size) * scale > max_side:
        scale = max_side / max(image.size)
    if scale != 1.0:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=reducing_gap)
    return image


def from_uint8(image: np.ndarray) -> np.ndarray:
    """uint8 values 0..255 to float32 in [0, 1].

    Example:

        >>> from_uint8([0, 51, 255]).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    return np.asarray(image, np.float32) / np.float32(255)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """float values in [0, 1] to uint8: clipped and rounded, never truncated.

    Raises:
        ValueError: when a value is not finite.

    Example:

        >>> to_uint8([-0.5, 0.2, 0.999, 2.0]).tolist()
        [0, 51, 255, 255]
    """
    image = np.asarray(image, np.float32)
    if not np.isfinite(image).all():
        raise ValueError("the image holds values that are not finite (NaN or infinity).")
    return np.rint(image.clip(0, 1) * 255).astype(np.uint8)


def save(
    path: str | os.PathLike,
    image: np.ndarray,
    *,
    quality: int = 95,
    metadata: dict[str, bytes] | None = None,
) -> None:
    """Saves an image atomically; the format follows the suffix of `path`.

    Args:
        path: ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.
        image: float array (height, width, 3) in [0, 1], or uint8.
        quality: of JPEG and WebP, 1..100.
        metadata: what `images.read_metadata` returns. EXIF data that a JPEG has no room for are
            left out, with a line in the log.

    Raises:
        UserError: for another suffix, a folder that can't be written to, or an image larger
            than the format allows.

    Example:

        picture = images.load("photo.jpg", max_side=800)
        images.save("small.jpg", picture, metadata=images.read_metadata("photo.jpg"))
    """
    path = pathlib.Path(path)
    check_writable_format(path)
    suffix = path.suffix.lower()
    # TIFF stays uncompressed: through libtiff, Pillow can't write what the camera noted.
    options: dict[str, Any] = {"quality": quality} if suffix in _WITH_QUALITY else {}
    if suffix in (".jpg", ".jpeg"):
        options["subsampling"] = 0
    picture = _as_pil(path, image)
    with _writing(path) as file:
        picture.save(file, _format_of(path), **options, **_fitting(path, metadata))


def save_animation(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    *,
    milliseconds: int,
    quality: int = 88,
    metadata: dict[str, bytes] | None = None,
) -> None:
    """Saves images as an endless animation, atomically.

    Args:
        path: ends in .webp.
        frames: images of one size, see `save`; at least one.
        milliseconds: how long each is shown.
        quality, metadata: see `save`.

    Raises:
        UserError: see `save`.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() != ".webp":
        raise UserError(f"an animation must be a .webp file. Received: {path}")
    first, *others = (_as_pil(path, frame) for frame in frames)
    with _writing(path) as file:
        first.save(
            file,
            _format_of(path),
            save_all=True,
            append_images=others,
            duration=milliseconds,
            loop=0,
            quality=quality,
            **_fitting(path, metadata),
        )


def _as_pil(path: pathlib.Path, image: np.ndarray) -> Image.Image:
    image = np.asarray(image)
    check_size(path, *image.shape[1::-1])
    return Image.fromarray(image if image.dtype == np.uint8 else to_uint8(image))


def _fitting(path: pathlib.Path, metadata: dict[str, bytes] | None) -> dict[str, Any]:
    """The metadata that a file of this format has room for."""
    fitting = dict(metadata or {})
    size = len(fitting.get("exif", b""))
    if path.suffix.lower() in (".jpg", ".jpeg") and size > _LARGEST_EXIF_IN_JPEG:
        _LOG.warning("%s: no room in a JPEG for %d bytes of EXIF data, left out", path, size)
        del fitting["exif"]
    return fitting


def _format_of(path: pathlib.Path) -> str:
    """What Pillow calls the format that the suffix of a path names."""
    return Image.registered_extensions()[path.suffix.lower()]


class _File(io.BufferedRandom):
    """A file whose number Pillow does not get to know.

    Given the number, it writes by itself and does not notice that only a part of a buffer fitted
    on the disk: JPEG files were cut, without an error.
    """

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


@contextlib.contextmanager
def _writing(path: pathlib.Path) -> Iterator[io.BufferedRandom]:
    try:
        with write_beside(path) as temporary, _File(io.FileIO(temporary, "w+")) as file:
            yield file
    except UserError:
        raise
    except (OSError, ValueError) as error:  # ValueError: what Pillow can't write
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {path}: {reason}.") from error


def check_writable_format(path: str | os.PathLike) -> None:
    """Raises a `UserError` unless `path` ends in a suffix that `save` can write."""
    suffix = pathlib.Path(path).suffix
    if suffix.lower() not in WRITABLE:
        raise UserError(
            f"cannot write {path}: expected a name that ends in {', '.join(WRITABLE)}. "
            f"Received: {suffix or 'no suffix'}"
        )


def check_size(path: str | os.PathLike, width: int, height: int) -> None:
    """Raises a `UserError` where a picture is larger than the format of `path` allows."""
    suffix = pathlib.Path(path).suffix.lower()
    most = _LARGEST.get(suffix)
    if most is not None and max(width, height) > most:
        raise UserError(
            f"cannot write {path}: a {suffix} file holds at most {most} px each way. Received: "
            f"{width} x {height} px; choose another format, or make the picture smaller."
        )
