"""files.py: every kind of file to the right values; every bad file to one clear error."""

import io
import struct
import warnings
import zlib

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image, features

from cin_style import images
from cin_style.errors import UserError
from cin_style.images import files


def encode(image, file_format, **options):
    """The bytes of a `PIL.Image` or uint8 array as an image file."""
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def pixels(source):
    """What `open_rgb` makes of a file, as an array."""
    image = images.open_rgb(source)
    assert image.mode == "RGB"
    return np.asarray(image)


def png16(samples, color_type):
    """A 16-bit PNG; samples: uint16 (height, width[, channels])."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


# === Kinds of files ===


def test_transparency_is_laid_on_white():
    rgba = np.array(
        [[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51], [10, 20, 30, 102]]], dtype="uint8"
    )
    # value * alpha / 255 + 255 * (1 - alpha / 255)
    expected = [[[255, 0, 0], [255, 255, 255], [204, 204, 204], [157, 161, 165]]]
    np.testing.assert_array_equal(pixels(encode(rgba, "PNG")), expected)


def test_grey():
    grey = np.array([[0, 100, 255]], dtype="uint8")
    expected = [[[0] * 3, [100] * 3, [255] * 3]]
    np.testing.assert_array_equal(pixels(encode(grey, "PNG")), expected)


def test_grey_with_alpha():
    image = Image.merge("LA", [Image.new("L", (1, 1), 100), Image.new("L", (1, 1), 51)])
    # 100 * 0.2 + 255 * 0.8
    np.testing.assert_array_equal(pixels(encode(image, "PNG")), [[[224, 224, 224]]])


def test_black_and_white():
    image = Image.fromarray(np.array([[0, 255]], dtype="uint8")).convert("1")
    np.testing.assert_array_equal(pixels(encode(image, "PNG")), [[[0] * 3, [255] * 3]])


def test_avif():
    if not features.check("avif"):
        pytest.skip("this Pillow is built without AVIF")
    picture = np.full((20, 30, 3), (200, 100, 50), "uint8")
    np.testing.assert_allclose(pixels(encode(picture, "AVIF", quality=95)), picture, atol=3)


def test_heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    picture = np.full((64, 80, 3), (200, 100, 50), "uint8")
    pillow_heif.from_pillow(Image.fromarray(picture)).save(tmp_path / "a.HEIC", quality=95)
    np.testing.assert_allclose(pixels(tmp_path / "a.HEIC"), picture, atol=4)
    assert images.find([tmp_path]) == [tmp_path / "a.HEIC"]


@pytest.mark.parametrize(
    "name,missing,advice",
    [
        ("a.heic", "find_spec", "For HEIC, install pillow-heif: pip install cin_style[heif]."),
        ("a.avif", "check", "For AVIF, install a newer Pillow"),
        ("a.png", "check", "Convert it first."),
    ],
)
def test_formats_that_need_something(tmp_path, monkeypatch, name, missing, advice):
    where = files.importlib.util if missing == "find_spec" else files.features
    monkeypatch.setattr(where, missing, lambda name: None)
    (tmp_path / name).write_bytes(b"\0\0\0\x1cftypnone")
    with pytest.raises(UserError, match=f"{name} is not an image that can be read") as caught:
        images.open_rgb(tmp_path / name)
    assert advice in str(caught.value)


def test_palette():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    expected = [[[10, 20, 30], [200, 100, 50]]]
    np.testing.assert_array_equal(pixels(encode(image, "PNG")), expected)
    # One entry fully transparent, then entries with an alpha each.
    expected = [[[255, 255, 255], [200, 100, 50]]]
    np.testing.assert_array_equal(pixels(encode(image, "PNG", transparency=0)), expected)
    expected = [[[206, 208, 210], [200, 100, 50]]]
    data = encode(image, "PNG", transparency=bytes([51, 255]))
    np.testing.assert_array_equal(pixels(data), expected)


def test_rgb_with_one_transparent_colour():
    rgb = np.array([[[1, 2, 3], [4, 5, 6]]], dtype="uint8")
    data = encode(rgb, "PNG", transparency=(4, 5, 6))
    np.testing.assert_array_equal(pixels(data), [[[1, 2, 3], [255, 255, 255]]])


def test_cmyk():
    cmyk = np.array([[[255, 0, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]], dtype="uint8")
    image = Image.frombytes("CMYK", (3, 1), cmyk.tobytes())
    expected = [[[0, 255, 255], [255, 255, 0], [0, 0, 0]]]
    np.testing.assert_array_equal(pixels(encode(image, "TIFF")), expected)
    # JPEG stores CMYK inverted; a whole block of one ink, since it is lossy.
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    difference = pixels(encode(image, "JPEG", quality=95))[8, 8].astype(int) - [0, 255, 255]
    assert abs(difference).max() < 4


def test_cmyk_with_a_useless_profile_is_converted_plainly():
    image = Image.new("CMYK", (2, 2), (0, 255, 0, 0))
    data = encode(image, "TIFF", icc_profile=b"this is no colour profile")
    np.testing.assert_array_equal(pixels(data), np.full((2, 2, 3), [255, 0, 255]))


def test_16_bit_grey():
    samples = np.array([[0, 257, 12850, 32768, 51529, 65535]], dtype="uint16")
    expected = np.array([0, 1, 50, 128, 201, 255])  # samples / 65535 * 255
    np.testing.assert_array_equal(pixels(png16(samples, 0))[0], np.stack([expected] * 3, -1))
    tiff = encode(Image.fromarray(samples), "TIFF")
    np.testing.assert_array_equal(pixels(tiff)[0], np.stack([expected] * 3, -1))


def test_16_bit_rgb():
    samples = np.array([[[0, 257, 12850], [65535, 51400, 2570]]], dtype="uint16")
    np.testing.assert_array_equal(pixels(png16(samples, 2)), [[[0, 1, 50], [255, 200, 10]]])


def test_float_tiff_is_0_to_1():
    values = np.array([[-0.5, 0, 0.2, 1, 7, np.nan]], dtype="float32")
    expected = np.array([0, 0, 51, 255, 255, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pixels(encode(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(found[0], np.stack([expected] * 3, -1))


# Where the marks of a 2 x 3 picture end up upright, by EXIF orientation: the stored rows
# are the upright picture turned the other way.
_UPRIGHT = np.array([[10, 60, 110], [160, 210, 250]], dtype="uint8")
_STORED = {
    1: [[10, 60, 110], [160, 210, 250]],
    2: [[110, 60, 10], [250, 210, 160]],
    3: [[250, 210, 160], [110, 60, 10]],
    4: [[160, 210, 250], [10, 60, 110]],
    5: [[10, 160], [60, 210], [110, 250]],
    6: [[110, 250], [60, 210], [10, 160]],
    7: [[250, 110], [210, 60], [160, 10]],
    8: [[160, 10], [210, 60], [250, 110]],
}


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.array(_STORED[orientation], dtype="uint8")
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encode(np.stack([stored] * 3, -1), file_format, exif=exif, **options)
    np.testing.assert_array_equal(pixels(data), np.stack([_UPRIGHT] * 3, -1))


def test_exif_orientation_of_a_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the stored top is the right side
    stored = np.zeros((32, 64, 3), "uint8")
    stored[:16] = 255
    found = pixels(encode(stored, "JPEG", exif=exif))
    assert found.shape == (64, 32, 3)
    assert found[:, 24:].min() > 240 and found[:, :8].max() < 15


def test_broken_exif_does_not_spoil_the_photo():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    data = bytearray(encode(np.full((8, 16, 3), 90, "uint8"), "JPEG", exif=exif))
    data[data.index(b"\x01\x0f\x00\x02") + 1] = 0  # the maker's name is now the image's width
    assert pixels(bytes(data)).shape == (16, 8, 3)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame(file_format):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#0000ff")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(pixels(data), np.full((8, 8, 3), [255, 0, 0]))


def test_a_jpeg_may_be_decoded_smaller_but_not_too_small(make_photo):
    data = encode(make_photo(400, 300, 0), "JPEG")
    assert images.open_rgb(data, at_least=70).size == (100, 75)
    assert images.open_rgb(data, at_least=76).size == (200, 150)
    assert images.open_rgb(data, at_least=500).size == (400, 300)


# === Bad files ===


def test_bad_files(tmp_path, make_photo):
    photo = encode(make_photo(64, 64, 1), "JPEG")
    for name, content, message in [
        ("cut.jpg", photo[: len(photo) // 2], "damaged or unreadable.*truncated.*Replace"),
        ("text.jpg", b"I am a text.\n", "not an image that can be read"),
        ("empty.jpg", b"", "not an image that can be read"),
        ("cut.png", encode(make_photo(64, 64, 1), "PNG")[:900], "damaged or unreadable"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}.*{message}") as caught:
            images.open_rgb(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such photo: .*gone.jpg"):
        images.load(tmp_path / "gone.jpg")
    with pytest.raises(UserError, match="image data is not an image"):
        images.open_rgb(b"nothing")
    with pytest.raises(UserError, match="damaged or unreadable"):
        images.open_rgb(tmp_path)


def test_decompression_bomb(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((20, 20, 3), "uint8")).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="huge.png is too large.*Scale it down"):
        images.open_rgb(tmp_path / "huge.png")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_whatever_is_broken_in_a_file_the_error_is_ours(file_format, make_photo, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)  # a broken size costs time otherwise
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 3, "maker"
    options = {} if file_format in ("GIF", "BMP") else {"exif": exif}
    whole = encode(make_photo(12, 10, 2), file_format, **options)
    rng = np.random.default_rng(3)
    outcomes = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(min(len(data), 300))] = rng.integers(256)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's own, about what it repaired
                outcomes.append(pixels(bytes(data)).ndim)
        except UserError:
            outcomes.append(None)
    assert None in outcomes


# === Sizes, rounding, saving ===


def test_load_scales(tmp_path, make_photo):
    Image.fromarray(make_photo(60, 40, 3)).save(tmp_path / "a.png")
    original = images.load(tmp_path / "a.png")
    assert original.dtype == np.float32
    np.testing.assert_array_equal(original, make_photo(60, 40, 3) / np.float32(255))
    for options, size in [
        ({"short_side": 20}, (20, 30)),
        ({"short_side": 80}, (80, 120)),
        ({"max_side": 30}, (20, 30)),
        ({"max_side": 61}, (40, 60)),
        ({"short_side": 80, "max_side": 90}, (60, 90)),
        ({"max_side": 1}, (1, 1)),
    ]:
        assert images.load(tmp_path / "a.png", **options).shape == (*size, 3), options
    for side in (1, 7, 39, 41, 53, 77):
        assert min(images.load(tmp_path / "a.png", short_side=side).shape[:2]) == side


def test_scaling_keeps_flat_colour(tmp_path):
    Image.new("RGB", (50, 30), (10, 200, 77)).save(tmp_path / "flat.png")
    expected = np.broadcast_to(np.float32([10, 200, 77]) / np.float32(255), (17, 28, 3))
    np.testing.assert_array_equal(images.load(tmp_path / "flat.png", short_side=17), expected)


def test_to_uint8_rounds_and_clips():
    values = np.array([-3, 0, 0.49 / 255, 0.51 / 255, 99.6 / 255, 254.6 / 255, 1, 1.7])
    np.testing.assert_array_equal(images.to_uint8(values), [0, 0, 0, 1, 100, 255, 255, 255])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_to_uint8_refuses_what_is_not_finite(value):
    with pytest.raises(ValueError, match="not finite"):
        images.to_uint8(np.array([0.5, value]))


@hypothesis.given(hypothesis.extra.numpy.arrays("uint8", st.integers(1, 50)))
def test_uint8_round_trip(values):
    floats = images.from_uint8(values)
    assert floats.dtype == np.float32 and 0 <= floats.min() and floats.max() <= 1
    np.testing.assert_array_equal(images.to_uint8(floats), values)


@hypothesis.given(hypothesis.extra.numpy.arrays("float32", 20, elements=st.floats(0, 1, width=32)))
def test_to_uint8_is_off_by_half_a_step_at_most(values):
    assert abs(images.from_uint8(images.to_uint8(values)) - values).max() <= 0.5001 / 255


@pytest.mark.parametrize(
    "suffix,tolerance",
    [(".png", 0), (".tif", 0), (".TIFF", 0), (".jpg", 12), (".JPEG", 12), (".webp", 25)],
)
def test_save_round_trip(tmp_path, suffix, tolerance, make_photo):
    picture = make_photo(45, 31, 4)
    for image in (picture, picture / 255):
        images.save(tmp_path / f"out{suffix}", image, quality=100)
        difference = pixels(tmp_path / f"out{suffix}").astype(int) - picture
        assert difference.shape == (31, 45, 3)
        assert abs(difference).mean() <= tolerance / 4 and abs(difference).max() <= 4 * tolerance
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix}"]


def test_save_quality_sets_the_size(tmp_path, make_photo):
    for quality in (30, 95):
        images.save(tmp_path / f"{quality}.jpg", make_photo(64, 64, 5), quality=quality)
    assert (tmp_path / "30.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size / 2


@pytest.mark.parametrize("name,received", [("a.bmp", ".bmp"), ("a", "no suffix"), ("a.", "")])
def test_save_to_an_unknown_suffix(tmp_path, name, received):
    with pytest.raises(UserError, match=f"cannot write .*{name}.*png.*Received: {received}"):
        images.save(tmp_path / name, np.zeros((4, 4, 3)))
    assert not list(tmp_path.iterdir())


def test_save_where_it_is_not_possible(tmp_path):
    with pytest.raises(UserError, match="cannot write .*No such file or directory"):
        images.save(tmp_path / "none" / "a.png", np.zeros((4, 4, 3)))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="cannot write .*folder.png"):
        images.save(tmp_path / "folder.png", np.zeros((4, 4, 3)))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_pictures_too_large_for_their_format(tmp_path):
    for name, most in (("wide.webp", 16_383), ("wide.jpg", 65_500), ("wide.JPEG", 65_500)):
        message = (
            f"cannot write .*{name}: .* at most {most} px.*{most + 1} x 1 px; choose .*smaller"
        )
        with pytest.raises(UserError, match=message):
            images.save(tmp_path / name, np.zeros((1, most + 1, 3), "uint8"))
        files.check_size(name, 1, most)
        with pytest.raises(UserError, match=f"1 x {most + 1} px"):
            files.check_size(name, 1, most + 1)
        images.save(tmp_path / name, np.zeros((1, most, 3), "uint8"))
        assert images.open_rgb(tmp_path / name).size == (most, 1)
    images.save(tmp_path / "wide.png", np.zeros((1, 70_000, 3), "uint8"))


def test_animations(tmp_path):
    frames = [np.full((20, 30, 3), level, "float32") for level in (0.0, 0.5, 1.0)]
    path = tmp_path / "a.webp"
    files.save_animation(path, iter(frames), milliseconds=70, metadata={"icc_profile": b"profile"})
    with Image.open(path) as animation:
        assert animation.n_frames == 3 and animation.info["icc_profile"] == b"profile"
        assert animation.info["loop"] == 0  # for ever
        for number, level in enumerate((0, 128, 255)):
            animation.seek(number)
            assert abs(np.asarray(animation.convert("RGB"), int) - level).max() < 4
            assert animation.info["duration"] == 70
    with pytest.raises(UserError, match="an animation must be a .webp file. Received: a.png"):
        files.save_animation("a.png", frames, milliseconds=70)
    with pytest.raises(UserError, match="wide.webp: .* at most 16383 px"):
        wide = [np.zeros((1, 16_400, 3))]
        files.save_animation(tmp_path / "wide.webp", wide, milliseconds=70)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_save_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    target.write_bytes(b"the old file")

    def fail(self, file, format, **options):
        file.write(b"half of a")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(UserError, match="cannot write .*a.png: No space left on device"):
        images.save(target, np.zeros((4, 4, 3)))
    assert target.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [target]


def test_pictures_that_are_not_finite_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="not finite"):
        images.save(tmp_path / "a.png", np.full((4, 4, 3), np.nan))
    assert not list(tmp_path.iterdir())
