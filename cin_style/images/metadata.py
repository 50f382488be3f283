"""What of a photo's metadata a picture painted from it keeps."""

import os

from PIL import ExifTags, Image

from cin_style.images import limits
from cin_style.images.files import open_image

# The EXIF tags that describe the photo. TIFF keeps these and how its file stores the pixels
# (Compression, StripOffsets, ...) in one list; of another file the latter would be wrong.
_DESCRIPTIVE_TAGS = (
    *(ExifTags.Base.DocumentName, ExifTags.Base.ImageDescription, ExifTags.Base.PageName),
    *(ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.HostComputer),
    *(ExifTags.Base.XResolution, ExifTags.Base.YResolution, ExifTags.Base.ResolutionUnit),
    *(ExifTags.Base.DateTime, ExifTags.Base.Software),
    *(ExifTags.Base.Artist, ExifTags.Base.Copyright),
    *(ExifTags.Base.Rating, ExifTags.Base.RatingPercent),
    *(ExifTags.Base.XPTitle, ExifTags.Base.XPComment, ExifTags.Base.XPAuthor),
    *(ExifTags.Base.XPKeywords, ExifTags.Base.XPSubject),
)

# The tags beside them, in the camera's own list, that don't: size and coding of its file.
_CODING_TAGS = (
    *(ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight),
    *(ExifTags.Base.ComponentsConfiguration, ExifTags.Base.CompressedBitsPerPixel),
    ExifTags.IFD.Interop,
)


def read_metadata(path: str | os.PathLike) -> dict[str, bytes]:
    """What of an image file's metadata a picture painted from it should keep.

    Returns:
        A dict for `images.save`: `exif` with what describes the photo, without what describes how
        its own file stores it (orientation, size, compression); and `icc_profile` where the
        file's RGB values are kept as they are. Broken metadata is left out.
    """
    metadata = {}
    try:
        with limits.allowing(limits.most_pixels()):
            image = open_image(path)
        with image:
            # A profile for CMYK or grey values does not describe RGB ones.
            if image.mode in ("RGB", "RGBA", "P") and image.info.get("icc_profile"):
                metadata["icc_profile"] = image.info["icc_profile"]
            exif = _descriptive(image.getexif())
            if len(exif):
                metadata["exif"] = exif.tobytes()
    except Exception:  # Pillow raises many kinds; the picture matters more than its metadata
        return metadata
    return metadata


def _descriptive(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in _DESCRIPTIVE_TAGS:
        if tag in exif:
            kept[tag] = exif[tag]
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        tags = exif.get_ifd(directory).items()
        inside = {tag: value for tag, value in tags if tag not in _CODING_TAGS}
        if inside:
            kept[directory] = inside
    return kept
