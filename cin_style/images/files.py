"""Image files to float32 RGB arrays in [0, 1] and back; every way a file can be bad."""

import io
import os
import pathlib

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from cin_style.errors import UserError
from cin_style.files import write_beside

READABLE = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif")
WRITABLE = (".png", ".jpg", ".jpeg", ".webp")

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


def find(paths):
    """Lists image files: files as given, folders searched recursively in sorted order.

    Args:
        paths: an iterable of files and folders.

    Returns:
        A list of `pathlib.Path`. Hidden files and folders are left out.

    Raises:
        UserError: when a path does not exist, or a folder holds no image.
    """
    found = []
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            inside, seen = [], set()
            for folder, folders, names in os.walk(path, followlinks=True):
                if os.path.realpath(folder) in seen:  # a link that leads back
                    folders.clear()
                    continue
                seen.add(os.path.realpath(folder))
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                inside += [
                    pathlib.Path(folder, name)
                    for name in sorted(names)
                    if not name.startswith(".") and name.lower().endswith(READABLE)
                ]
            if not inside:
                raise UserError(
                    f"no image in the folder {path}: expected files that end in "
                    f"{', '.join(READABLE)}."
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"no such file or folder: {path}. Check the path.")
    return found


def open_rgb(source, at_least=None):
    """Opens an image as an 8-bit RGB `PIL.Image`, upright.

    EXIF orientation is applied, transparency is laid on white, CMYK is converted through
    the file's own ICC profile where it has one, 16-bit and float images are scaled to 8
    bits, and of an animation the first frame is taken.

    Args:
        source: a path, or the bytes of an image file.
        at_least: a short side in pixels; a JPEG may be decoded at a smaller scale (faster)
            as long as its short side stays at or above it.

    Raises:
        UserError: when the file is missing, not an image, damaged or far too large.
    """
    name = "image data" if isinstance(source, bytes) else source
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if at_least:
                image.draft("RGB", (at_least, at_least))
            image.load()
            return _to_rgb(_upright(image))
    except FileNotFoundError as error:
        raise UserError(f"no such photo: {name}. Check the path.") from error
    except PermissionError as error:
        raise UserError(f"not allowed to read {name}. Change its permissions.") from error
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name} is not an image that can be read here: expected JPEG, PNG, WebP, BMP, "
            "GIF or TIFF. Convert it first."
        ) from error
    except Image.DecompressionBombError as error:
        raise UserError(f"{name} is too large: {error}. Scale it down first.") from error
    except Exception as error:  # Pillow raises many kinds; on a file, each means a bad one
        reason = str(error) or type(error).__name__
        raise UserError(f"{name} is damaged or unreadable: {reason}. Replace the file.") from error


def _upright(image):
    # Not ImageOps.exif_transpose: it writes all EXIF data anew and fails where that is broken.
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # see above; a photo without its orientation is still a photo
        orientation = None
    method = _UPRIGHT_BY.get(orientation)
    return image if method is None else image.transpose(method)


def _to_rgb(image):
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=1e9, neginf=0)
        values = values * (255.0 if image.mode == "F" else 255.0 / 65535.0)
        image = Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            return ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            pass  # an unusable profile: the plain conversion below is what viewers do, too
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def load(path, *, short_side=None, max_side=None):
    """Loads an image file.

    Args:
        path: an image file (see `open_rgb` for what is done with its orientation etc.).
        short_side: scale to exactly this short side in pixels, up or down.
        max_side: scale down so that the long side has at most this many pixels.

    Returns:
        float32 array (height, width, 3), RGB in [0, 1].

    Raises:
        UserError: see `open_rgb`.
    """
    image = open_rgb(path)
    scale = 1.0
    if short_side:
        scale = short_side / min(image.size)
    if max_side and max(image.size) * scale > max_side:
        scale = max_side / max(image.size)
    if scale != 1.0:
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image = image.resize(size, Image.Resampling.LANCZOS)
    return from_uint8(np.asarray(image))


def read_metadata(path):
    """What of an image file's metadata a picture painted from it should keep.

    Returns:
        A dict for `save`: `exif` without the orientation, which `load` has applied, and
        `icc_profile` where the file's RGB values are kept as they are. Broken metadata is
        left out.
    """
    metadata = {}
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            exif.pop(ExifTags.Base.Orientation, None)
            if len(exif):
                metadata["exif"] = exif.tobytes()
            # A profile for CMYK or grey values does not describe RGB ones.
            if image.mode in ("RGB", "RGBA", "P") and image.info.get("icc_profile"):
                metadata["icc_profile"] = image.info["icc_profile"]
    except Exception:  # Pillow raises many kinds; the picture matters more than its metadata
        return metadata
    return metadata


def from_uint8(image):
    """uint8 values 0..255 to float32 in [0, 1]."""
    return np.asarray(image, np.float32) / np.float32(255)


def to_uint8(image):
    """float values in [0, 1] to uint8: clipped and rounded, never truncated.

    Raises:
        ValueError: when a value is not finite.
    """
    image = np.asarray(image, np.float32)
    if not np.isfinite(image).all():
        raise ValueError("the image holds values that are not finite (NaN or infinity).")
    return np.rint(image.clip(0, 1) * 255).astype(np.uint8)


def save(path, image, *, quality=95, metadata=None):
    """Saves an image atomically; the format follows the suffix of `path`.

    Args:
        path: ends in .png, .jpg, .jpeg or .webp.
        image: float array (height, width, 3) in [0, 1], or uint8.
        quality: of JPEG and WebP, 1..100.
        metadata: what `read_metadata` returns.

    Raises:
        UserError: for another suffix or a folder that can't be written to.
    """
    path = pathlib.Path(path)
    check_writable_format(path)
    if np.asarray(image).dtype != np.uint8:
        image = to_uint8(image)
    options = {} if path.suffix.lower() == ".png" else {"quality": quality}
    if path.suffix.lower() in (".jpg", ".jpeg"):
        options["subsampling"] = 0
    try:
        with write_beside(path) as temporary:
            Image.fromarray(image).save(temporary, **options, **(metadata or {}))
    except (OSError, ValueError) as error:  # ValueError: larger than the format allows
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {path}: {reason}.") from error


def check_writable_format(path):
    """Raises a `UserError` unless `path` ends in a suffix that `save` can write."""
    suffix = pathlib.Path(path).suffix
    if suffix.lower() not in WRITABLE:
        raise UserError(
            f"cannot write {path}: expected a name that ends in {', '.join(WRITABLE)}. "
            f"Received: {suffix or 'no suffix'}"
        )
