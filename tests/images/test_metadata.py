"""metadata.py: what describes the photo is kept, what describes its file is not."""

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from cin_style import images

BASE = ExifTags.Base
DESCRIPTION = {
    BASE.ImageDescription: "a lake",
    BASE.Make: "Maker",
    BASE.Model: "M 1",
    BASE.DateTime: "2020:01:02 03:04:05",
    BASE.Artist: "A. Photographer",
    BASE.Copyright: "CC BY 4.0",
}


@pytest.fixture
def exif():
    """EXIF data of a photo that a camera took turned."""
    exif = Image.Exif()
    exif.update(DESCRIPTION)
    exif[BASE.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {
        BASE.DateTimeOriginal: "2020:01:02 03:04:05",
        BASE.ISOSpeedRatings: 200,
        BASE.ExifImageWidth: 4000,
        BASE.ExifImageHeight: 3000,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    loaded = Image.Exif()
    loaded.load(exif.tobytes())
    return loaded


@pytest.mark.parametrize("name", ["a.tif", "a.jpg", "a.png", "a.webp"])
def test_only_what_describes_the_photo_is_kept(tmp_path, exif, name, make_photo):
    Image.fromarray(make_photo(40, 30, 0)).save(tmp_path / name, exif=exif)
    kept = Image.Exif()
    kept.load(images.read_metadata(tmp_path / name)["exif"])
    # Of a TIFF not ImageWidth, BitsPerSample, Compression, StripOffsets and the like.
    assert set(kept) == {*DESCRIPTION, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
    assert {tag: kept[tag] for tag in DESCRIPTION} == DESCRIPTION
    assert kept.get_ifd(ExifTags.IFD.Exif) == {
        BASE.DateTimeOriginal: "2020:01:02 03:04:05",
        BASE.ISOSpeedRatings: 200,
    }
    assert kept.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}


def test_the_resolution_is_kept(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif", dpi=(300, 300))
    kept = Image.Exif()
    kept.load(images.read_metadata(tmp_path / "a.tif")["exif"])
    assert kept[BASE.XResolution] == 300 and kept[BASE.ResolutionUnit] == 2


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_picture_gets_them(tmp_path, exif, suffix, make_photo):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(make_photo(40, 30, 0)).save(tmp_path / "a.jpg", exif=exif, icc_profile=profile)
    metadata = images.read_metadata(tmp_path / "a.jpg")
    images.save(tmp_path / f"b{suffix}", np.zeros((30, 40, 3)), metadata=metadata)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.info["icc_profile"] == profile
        found = written.getexif()
        assert found[BASE.Model] == "M 1" and BASE.Orientation not in found


def test_a_profile_of_other_values_is_left_out(tmp_path):
    for mode in ("CMYK", "L"):
        Image.new(mode, (4, 4)).save(tmp_path / "a.tif", icc_profile=b"a profile")
        assert "icc_profile" not in images.read_metadata(tmp_path / "a.tif")


def test_no_metadata(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert images.read_metadata(tmp_path / "a.png") == {}
    (tmp_path / "text.jpg").write_text("no photo")
    assert images.read_metadata(tmp_path / "text.jpg") == {}


def test_a_jpeg_without_room_for_the_exif_data_is_written_without(tmp_path, caplog):
    exif = Image.Exif()
    exif[BASE.ImageDescription] = "x" * 70_000
    metadata = {"exif": exif.tobytes()}
    for suffix, kept in ((".jpg", False), (".png", True), (".webp", True)):
        path = tmp_path / f"a{suffix}"
        caplog.clear()
        images.save(path, np.zeros((8, 8, 3)), metadata=metadata)
        with Image.open(path) as written:
            assert (BASE.ImageDescription in written.getexif()) == kept
        assert ("a.jpg: no room in a JPEG for 70" in caplog.text) == (not kept)
