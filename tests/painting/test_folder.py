"""folder.py: photos from files to files, in any styles."""

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.painting import stylizer as stylizing
from cin_style.painting.folder import stylize_files
from cin_style.painting.stylizer import Stylizer


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    return Stylizer(tiny_network)


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_to_folder(tiny_network, stylizer, photo_folder, tmp_path):
    out = tmp_path / "new" / "out"
    written = stylize_files(tiny_network, [photo_folder / "city"], "cedar,0", out)
    expected = [
        f"{photo}_{style}.png" for photo in ("five", "four", "six") for style in ("cedar", "ash")
    ]
    assert [path.name for path in written] == expected
    assert names_in(out) == sorted(expected)
    photo = images.load(photo_folder / "city" / "five.jpg")
    np.testing.assert_array_equal(
        images.load(out / "five_cedar.png"),
        images.from_uint8(images.to_uint8(stylizer(photo, ["cedar", "ash"])[0])),
    )


def test_a_folder_may_have_a_dot_in_its_name(tiny_network, photo_folder, tmp_path):
    (tmp_path / "v1.0").mkdir()
    stylize_files(tiny_network, [photo_folder / "seven.jpg"], "all", tmp_path / "v1.0")
    assert names_in(tmp_path / "v1.0") == ["seven_ash.png", "seven_birch.png", "seven_cedar.png"]


@pytest.mark.parametrize("name,kind", [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP")])
def test_one_picture_to_a_file(tiny_network, photo_folder, tmp_path, name, kind):
    target = tmp_path / "sub" / name
    written = stylize_files(tiny_network, [photo_folder / "seven.jpg"], "ash,ash,0", target)
    assert written == [target]
    with Image.open(target) as image:
        assert image.format == kind and image.size == (57, 43)


@pytest.mark.parametrize("file_format,kind", [("jpg", "JPEG"), ("webp", "WEBP")])
def test_formats_and_max_side(tiny_network, photo_folder, tmp_path, file_format, kind):
    options = {"file_format": file_format, "quality": 60, "max_side": 30}
    stylize_files(tiny_network, [photo_folder / "city"], "1", tmp_path, **options)
    found = {}
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert image.format == kind
            found[path.stem] = image.size
    assert found == {"five_birch": (30, 20), "four_birch": (30, 30), "six_birch": (21, 30)}


def test_many_styles_are_painted_some_at_a_time(tiny_network, photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(stylizing, "_MOST_SLOTS", 2)
    path = photo_folder / "seven.jpg"
    written = stylize_files(
        tiny_network, [path], "all", tmp_path / "out", sheet=tmp_path / "sheet.png"
    )
    names = ["ash", "birch", "cedar"]
    pastiches = Stylizer(tiny_network)(images.load(path), names)
    assert written[:-1] == [tmp_path / "out" / f"seven_{name}.png" for name in names]
    for target, pastiche in zip(written, pastiches, strict=False):
        np.testing.assert_allclose(images.load(target), pastiche, atol=0.6 / 255)
    # The photo and three pictures that differ, side by side.
    sheet = images.load(tmp_path / "sheet.png")
    cells = [sheet[100, 6 + column * 262 : 262 + column * 262] for column in range(4)]
    assert min(np.abs(a - b).mean() for a, b in zip(cells, cells[1:], strict=False)) > 0.02


def test_sheet(tiny_network, photo_folder, tmp_path):
    sheet = tmp_path / "sheets" / "sheet.jpg"
    photos = [photo_folder / "seven.jpg", photo_folder / "city" / "four.webp"]
    written = stylize_files(tiny_network, photos, "all", tmp_path / "out", sheet=sheet)
    assert written[-1] == sheet and len(written) == 7
    # Two rows (57 x 43 and 50 x 50) of a photo and three pastiches, under column labels.
    with Image.open(sheet) as image:
        assert image.size == (6 + 4 * 262, 6 + 25 + round(256 * 43 / 57) + 256 + 2 * 6)


def test_no_two_pictures_share_a_file(tiny_network, make_photo, tmp_path):
    names = ["a/x.png", "b/x.png", "b/x.jpg", "c/b/x.png", "b_x_png.png", "y.png", "y_ash.png"]
    for seed, name in enumerate(names):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_photo(20, 20, seed)).save(tmp_path / "in" / name)
    photos = [tmp_path / "in", tmp_path / "in" / "y.png"]  # one of them twice
    written = stylize_files(tiny_network, photos, "ash", tmp_path / "out")
    assert len(written) == len(set(written)) == len(names)
    assert names_in(tmp_path / "out") == sorted(
        [
            "a_x_png_ash.png",
            "b_x_png_ash.png",
            "b_x_jpg_ash.png",
            "b_x_png_2_ash.png",
            "b_x_png_3_ash.png",
            "y_ash.png",
            "y_ash_ash.png",
        ]
    )


def test_a_bad_photo_among_good_ones(tiny_network, photo_folder, make_photo, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    Image.fromarray(make_photo(40, 9, 0)).save(tmp_path / "flat.png")
    photos = [tmp_path / "text.jpg", photo_folder / "seven.jpg", tmp_path / "flat.png"]
    with pytest.raises(UserError) as caught:
        stylize_files(tiny_network, photos, "ash,birch", tmp_path / "out")
    message = str(caught.value)
    assert "text.jpg is not an image" in message and "flat.png: the photo is 40 x 9" in message
    assert "the other 2 pictures are written" in message and "\n" not in message
    assert names_in(tmp_path / "out") == ["seven_ash.png", "seven_birch.png"]
    with pytest.raises(UserError, match="text.jpg is not an image") as caught:
        stylize_files(tiny_network, photos[:1], "ash", tmp_path / "out", sheet=tmp_path / "s.png")
    assert "written" not in str(caught.value) and not (tmp_path / "s.png").exists()


def test_bad_arguments_write_nothing(tiny_network, photo_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    one, out = [photo_folder / "seven.jpg"], tmp_path / "out"
    for photos, style, output, options, message in [
        (one, "bich", out, {}, "Did you mean birch?"),
        (one, "", out, {}, "no style given"),
        ([tmp_path / "gone.jpg"], "all", out, {}, "no such file or folder: .*gone.jpg"),
        (one, "all", tmp_path / "a.png", {}, "a.png is one file, but 1 photos in 3 styles"),
        ([photo_folder], "0", tmp_path / "a.png", {}, "one file, but 7 photos in 1 styles"),
        (one, "0", tmp_path / "a.bmp", {}, "cannot write .*a.bmp: expected a name that ends in"),
        (one, "0", tmp_path / "file", {}, "cannot write to the output folder .*file"),
        (one, "0", tmp_path / "file" / "a.png", {}, "cannot write to the output folder .*file"),
        (one, "0", out, {"quality": 0}, "--quality must be from 1 to 100. Received: 0"),
        (one, "0", out, {"quality": 101}, "--quality must be from 1 to 100"),
        (one, "0", out, {"max_side": 15}, "--max_side must be at least 16 px. Received: 15"),
        (one, "0", out, {"sheet": tmp_path / "s.txt"}, "cannot write .*s.txt: expected"),
        (one, "0", out, {"sheet": tmp_path / "file" / "s.png"}, "cannot write to .*file"),
    ]:
        with pytest.raises(UserError, match=message):
            stylize_files(tiny_network, photos, style, output, **options)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "file"]
    assert (tmp_path / "file").read_text() == "in the way"
