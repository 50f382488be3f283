"""folder.py: photos from files to files, in any styles, and no file lost."""

import time

import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.painting import folder, photo_files
from cin_style.painting import stylizer as painting
from cin_style.painting.folder import stylize
from cin_style.painting.jobs import plan
from cin_style.painting.recipes import StylizeRecipe
from cin_style.painting.stylizer import Stylizer


@pytest.fixture(scope="module")
def stylizer(tiny_network):
    return Stylizer(tiny_network)


def paint(network, photos, style, output, **options):
    """Paints with a network what a recipe asks for."""
    return stylize(StylizeRecipe(photos=photos, style=style, **options), output, network=network)


def names_in(path):
    """What lies in a folder, without what is hidden."""
    inside = (one.relative_to(path).as_posix() for one in path.rglob("*"))
    return sorted(name for name in inside if not name.rpartition("/")[2].startswith("."))


def contents(path):
    """What the files in a folder hold, to see that nothing is lost."""
    return {inside: inside.read_bytes() for inside in path.rglob("*") if inside.is_file()}


def test_folder_to_folder(tiny_network, stylizer, photo_folder, tmp_path):
    out = tmp_path / "new" / "out"
    written = paint(tiny_network, [photo_folder / "city"], "cedar,0", out)
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
    paint(tiny_network, [photo_folder / "seven.jpg"], "all", tmp_path / "v1.0")
    assert names_in(tmp_path / "v1.0") == ["seven_ash.png", "seven_birch.png", "seven_cedar.png"]


@pytest.mark.parametrize("name,kind", [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.tiff", "TIFF")])
def test_one_picture_to_a_file(tiny_network, photo_folder, tmp_path, name, kind):
    target = tmp_path / "sub" / name
    written = paint(tiny_network, [photo_folder / "seven.jpg"], "ash,ash,0", target)
    assert written == [target]
    with Image.open(target) as image:
        assert image.format == kind and image.size == (57, 43)


@pytest.mark.parametrize("file_format,kind", [("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")])
def test_formats_and_max_side(tiny_network, photo_folder, tmp_path, file_format, kind):
    options = {"format": file_format, "quality": 60, "max_side": 30}
    paint(tiny_network, [photo_folder / "city"], "1", tmp_path, **options)
    found = {}
    for path in tmp_path.glob("[!.]*"):
        with Image.open(path) as image:
            assert image.format == kind
            found[path.stem] = image.size
    assert found == {"five_birch": (30, 20), "four_birch": (30, 30), "six_birch": (21, 30)}


def test_many_styles_are_painted_some_at_a_time(tiny_network, photo_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(painting, "_MOST_AT_ONCE", 2)
    path = photo_folder / "seven.jpg"
    written = paint(tiny_network, [path], "all", tmp_path / "out", sheet=tmp_path / "sheet.png")
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
    written = paint(tiny_network, photos, "all", tmp_path / "out", sheet=sheet)
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
    written = paint(tiny_network, photos, "ash", tmp_path / "out")
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
        paint(tiny_network, photos, "ash,birch", tmp_path / "out")
    message = str(caught.value)
    assert "text.jpg is not an image" in message and "flat.png: the photo is 40 x 9" in message
    assert message.endswith(" (written: 2 pictures)") and "\n" not in message
    assert names_in(tmp_path / "out") == ["seven_ash.png", "seven_birch.png"]
    with pytest.raises(UserError, match="text.jpg is not an image") as caught:
        paint(tiny_network, photos[:1], "ash", tmp_path / "out", sheet=tmp_path / "s.png")
    assert "written" not in str(caught.value) and not (tmp_path / "s.png").exists()


def test_bad_arguments_write_nothing(tiny_network, photo_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    one, out = [photo_folder / "seven.jpg"], tmp_path / "out"
    for photos, style, output, options, message in [
        (one, "bich", out, {}, "Did you mean birch?"),
        (one, "", out, {}, "no style given"),
        ([tmp_path / "gone.jpg"], "all", out, {}, "no such file or folder: .*gone.jpg"),
        (one, "all", tmp_path / "a.png", {}, "a.png is one file, but 3 pictures are asked for"),
        ([], "all", out, {}, "no photo to paint. Give `photos`"),
        ([photo_folder], "0", tmp_path / "a.png", {}, "7 photos in 1 style. Give a folder"),
        (one, "0", tmp_path / "a.bmp", {}, "cannot write .*a.bmp: expected a name that ends in"),
        (one, "0", tmp_path / "file", {}, "cannot write to the output folder .*file"),
        (one, "0", tmp_path / "file" / "a.png", {}, "cannot write to the output folder .*file"),
        (one, "0", out, {"quality": 0}, "`quality` must be from 1 to 100. Received: 0"),
        (one, "0", out, {"quality": 101}, "`quality` must be from 1 to 100"),
        (one, "0", out, {"max_side": 15}, "`max_side` must be at least 16 px. Received: 15"),
        (one, "0", out, {"sheet": tmp_path / "s.txt"}, "cannot write .*s.txt: expected"),
        (one, "0", out, {"sheet": tmp_path / "file" / "s.png"}, "cannot write to .*file"),
    ]:
        with pytest.raises(UserError, match=message):
            paint(tiny_network, photos, style, output, **options)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "file"]
    assert (tmp_path / "file").read_text() == "in the way"


# === Nothing is lost ===


@pytest.fixture
def album(make_photo, tmp_path):
    """A folder of two photos."""
    path = tmp_path / "album"
    path.mkdir()
    for seed, name in enumerate(["a.png", "b.png"]):
        Image.fromarray(make_photo(20, 20, seed)).save(path / name)
    return path


def test_a_photo_is_not_overwritten(tiny_network, album, tmp_path):
    (tmp_path / "soft.png").symlink_to(album / "a.png")
    (tmp_path / "hard.png").hardlink_to(album / "a.png")
    (album / "a_ash.png").write_bytes((album / "b.png").read_bytes())
    before = contents(tmp_path)
    one, all_ = [album / "a.png"], sorted(album.glob("*.png"))
    for photos, output, sheet in [
        (one, album / "a.png", ""),
        (one, album / ".." / "album" / "a.png", ""),
        (one, tmp_path / "soft.png", ""),
        (one, tmp_path / "hard.png", ""),
        ([tmp_path / "soft.png"], album / "a.png", ""),
        # In a folder: the picture of a.png in the style ash would lie on the photo a_ash.png.
        (all_, album, ""),
        (one, tmp_path / "out", album / "a.png"),
        ([album], tmp_path / "out", tmp_path / "hard.png"),
    ]:
        message = f"would overwrite .*, which is painted from. .*`{'sheet' if sheet else 'output'}`"
        with pytest.raises(UserError, match=message):
            paint(tiny_network, photos, "ash", output, sheet=sheet)
        assert contents(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_the_sheet_is_none_of_the_pictures(tiny_network, album, tmp_path):
    sheet = tmp_path / "out" / ".." / "out" / "a_ash.png"
    with pytest.raises(UserError, match="a_ash.png is one of the pictures.*another `sheet`"):
        paint(tiny_network, [album], "ash", tmp_path / "out", sheet=sheet)


def test_what_was_painted_is_not_painted_again(tiny_network, album, tmp_path):
    for _ in range(2):
        written = paint(tiny_network, [album], "ash", album / "out")
        assert [path.name for path in written] == ["a_ash.png", "b_ash.png"]
    (tmp_path / "alias").symlink_to(album / "out")
    assert len(paint(tiny_network, [album], "ash", tmp_path / "alias")) == 2
    assert len(paint(tiny_network, [album], "ash", tmp_path / "elsewhere")) == 4


def test_the_folder_of_photos_is_no_output(tiny_network, album, tmp_path):
    (tmp_path / "alias").symlink_to(album)
    before = contents(tmp_path)
    for output in (album, album / ".." / "album", tmp_path / "alias"):
        message = "is a folder of photos, too.*Choose another `output`, such as .*painted"
        with pytest.raises(UserError, match=message):
            paint(tiny_network, [tmp_path / "album" / "a.png", album], "ash", output)
    assert contents(tmp_path) == before
    # A folder of photos inside of the output does no harm.
    assert len(paint(tiny_network, [album], "ash", tmp_path)) == 2


# === Names ===


def test_names_are_cut_by_bytes(tiny_network, make_photo, tmp_path):
    # 80 characters of 3 and 4 bytes, which differ in the last one.
    names = ["畫" * 79 + end for end in "山水"] + ["🎨" * 79 + end for end in "🌊🌌"]
    network = tiny_network.with_styles(names, np.zeros((4, tiny_network.embedding_size)))
    (tmp_path / "in").mkdir()
    for seed, stem in enumerate(["海" * 80 + "x", "海" * 80 + "y", "a.b" + "ö" * 120, "n" * 250]):
        Image.fromarray(make_photo(16, 16, seed)).save(tmp_path / "in" / f"{stem}.png")
    written = paint(network, [tmp_path / "in"], "all", tmp_path / "out", max_side=16)
    assert len({path.name.casefold() for path in written}) == 16
    for path in written:
        assert path.is_file() and len(path.name.encode()) <= 255
    # As much of each name is left as there is room for: 120 bytes of the style, 115 of the photo.
    found = {path.name for path in written if path.name.startswith("nnn")}
    assert found == {
        "n" * 115 + "_" + "畫" * 40 + ".png",
        "n" * 115 + "_" + "畫" * 39 + "_2.png",
        "n" * 115 + "_" + "🎨" * 30 + ".png",
        "n" * 115 + "_" + "🎨" * 29 + "_2.png",
    }
    blend = ",".join(f"{name}=1" for name in names)
    for path in paint(network, [tmp_path / "in"], blend, tmp_path / "blends"):
        assert len(path.name.encode()) <= 255
        assert path.stem.endswith("_" + "畫" * 40)


def test_one_job_by_itself(tiny_network, stylizer, album, tmp_path):
    recipe = StylizeRecipe(photos=[album], style="birch,ash=0.5", sheet="s.png", strength=0.5)
    with pytest.raises(UserError, match="give every style of a blend a weight"):
        plan(recipe, tmp_path, tiny_network.styles)
    recipe = recipe.replace(style="birch=3,ash=1")
    job = plan(recipe, tmp_path, tiny_network.styles)[1]
    noted = []
    small = photo_files.paint_photo(stylizer, job, recipe, noted.append)
    assert noted == list(job.targets) and names_in(tmp_path) == [
        "album",
        "album/a.png",
        "album/b.png",
        "b_ash_0.25_birch_0.75.png",
    ]
    photo = images.load(album / "b.png")
    expected = images.mix(photo, stylizer(photo, {"birch": 0.75, "ash": 0.25}), 0.5)
    np.testing.assert_allclose(images.load(job.targets[0]), expected, atol=0.6 / 255)
    np.testing.assert_array_equal(small[0], images.to_uint8(photo))
    np.testing.assert_allclose(images.from_uint8(small[1]), expected, atol=0.6 / 255)
    assert photo_files.paint_photo(stylizer, job, recipe.replace(sheet="")) == []


def test_colours_are_kept_on_request(tiny_network, stylizer, album, tmp_path):
    paint(tiny_network, [album / "a.png"], "ash", tmp_path / "l.png", colours="luminance")
    photo = images.load(album / "a.png")
    expected = images.keep_colours(photo, stylizer(photo, "ash"), "luminance")
    np.testing.assert_allclose(images.load(tmp_path / "l.png"), expected, atol=0.6 / 255)


def test_metadata_are_kept(tiny_network, album, tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    with Image.open(album / "a.png") as photo:
        photo.save(tmp_path / "photo.tif", exif=exif, icc_profile=b"a profile")
    for file_format in ("png", "jpg", "webp", "tif"):
        target = tmp_path / f"out.{file_format}"
        paint(tiny_network, [tmp_path / "photo.tif"], "ash", target)
        with Image.open(target) as picture:
            found = dict(picture.getexif())
            if file_format == "tif":  # which also has size, compression and so on there
                found = {tag: found[tag] for tag in found if tag in (0x010F, 0x0112)}
            assert found == {0x010F: "Maker"}
            assert picture.info["icc_profile"] == b"a profile"


def test_a_picture_too_large_for_its_format_is_not_painted(tiny_network, tmp_path):
    Image.new("RGB", (16_400, 16)).save(tmp_path / "wide.png")
    recipe = StylizeRecipe(photos=[tmp_path / "wide.png"], format="webp")
    (*_, job) = plan(recipe, tmp_path, tiny_network.styles)

    class PaintsNothing(Stylizer):
        def __call__(self, *_, **__):
            raise AssertionError("painted in vain")

    stylizer = PaintsNothing(tiny_network)
    message = "wide_ash.webp: .* at most 16383 px .* 16400 x 16 px; choose .*smaller"
    with pytest.raises(UserError, match=message):
        photo_files.paint_photo(stylizer, job, recipe)
    with pytest.raises(AssertionError, match="painted in vain"):
        photo_files.paint_photo(stylizer, job, recipe.replace(max_side=16_383))


def test_the_log_counts_pictures(tiny_network, album, tmp_path, caplog):
    caplog.set_level("INFO", logger="cin_style")
    paint(tiny_network, [album], "all", tmp_path / "out", sheet=tmp_path / "sheet.png")
    assert caplog.messages[-1] == (
        f"wrote 6 pictures to {tmp_path / 'out'}, and the sheet {tmp_path / 'sheet.png'}"
    )
    paint(tiny_network, [album / "a.png"], "ash", tmp_path / "a.png")
    assert caplog.messages[-1] == f"wrote 1 picture to {tmp_path / 'a.png'}"


# === Again ===


class Counting(Stylizer):
    """Counts the pictures it paints, and can be stopped."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.painted, self.most = 0, None

    def __call__(self, photo, styles, **options):
        if self.most is not None and self.painted + len(styles) > self.most:
            raise KeyboardInterrupt
        self.painted += len(styles)
        return super().__call__(photo, styles, **options)


@pytest.fixture
def counting(monkeypatch):
    """The Stylizers that `stylize` makes, each with its count."""
    made = []

    def make(*arguments, **options):
        made.append(Counting(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(folder, "Stylizer", make)
    return made


def test_what_is_there_is_not_painted_again(tiny_network, album, tmp_path, counting, caplog):
    caplog.set_level("INFO", logger="cin_style")
    out = tmp_path / "out"
    first = paint(tiny_network, [album], "ash,cedar", out)
    before = {path: path.stat().st_mtime_ns for path in first}
    assert paint(tiny_network, [album], "ash,cedar", out) == first
    assert caplog.messages[-1] == (
        f"wrote 0 pictures to {out} (4 were there already; `overwrite` paints anew)"
    )
    # Another style, a photo that has changed, a picture that is gone.
    (out / "a_cedar.png").unlink()
    (album / "b.png").write_bytes((album / "a.png").read_bytes())
    paint(tiny_network, [album], "all", out)
    assert caplog.messages[-1] == f"wrote 5 pictures to {out} (1 was there already)"
    assert [one.painted for one in counting] == [4, 0, 5]
    assert before[out / "a_ash.png"] == (out / "a_ash.png").stat().st_mtime_ns
    np.testing.assert_array_equal(
        images.load(out / "b_birch.png"), images.load(out / "a_birch.png")
    )
    paint(tiny_network, [album], "ash", out, strength=0.5)
    paint(tiny_network, [album], "ash", out, strength=0.5)
    paint(tiny_network, [album], "ash", out, strength=0.5, overwrite=True)
    assert [one.painted for one in counting[3:]] == [2, 0, 2]


def test_pictures_of_others_are_painted_over(tiny_network, album, tmp_path, counting):
    """As before: a file of that name that the journal does not know."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a_ash.png").write_bytes((album / "a.png").read_bytes())
    paint(tiny_network, [album / "a.png"], "ash", tmp_path / "out")
    paint(tiny_network, [album / "a.png"], "ash", tmp_path / "a.png")
    paint(tiny_network, [album / "a.png"], "ash", tmp_path / "a.png")
    assert [one.painted for one in counting] == [1, 1, 1]
    # Of one file nothing is remembered.
    assert not list(tmp_path.glob(".cin*")) and list((tmp_path / "out").glob(".cin*"))


def test_sheets_of_what_is_there(tiny_network, album, tmp_path, counting):
    sheets = [tmp_path / f"{name}.png" for name in ("first", "again", "more", "anew")]
    paint(tiny_network, [album], "ash,cedar", tmp_path / "out", sheet=sheets[0])
    paint(tiny_network, [album], "ash,cedar", tmp_path / "out", sheet=sheets[1])
    assert sheets[0].read_bytes() == sheets[1].read_bytes()
    paint(tiny_network, [album], "all", tmp_path / "out", sheet=sheets[2])
    paint(tiny_network, [album], "all", tmp_path / "other", sheet=sheets[3])
    # Painted together with others, a picture is rounded otherwise.
    more, anew = (np.asarray(Image.open(sheet)).astype(int) for sheet in sheets[2:])
    assert more.shape == anew.shape and abs(more - anew).max() <= 1
    assert [one.painted for one in counting] == [4, 0, 2, 6]


def test_it_goes_on_after_an_interruption(
    tiny_network, make_photo, tmp_path, monkeypatch, counting
):
    """Everything that was painted is written whole, and not painted again."""
    (tmp_path / "in").mkdir()
    for seed in range(6):
        Image.fromarray(make_photo(24, 20, seed)).save(tmp_path / "in" / f"{seed}.png")
    whole = paint(tiny_network, [tmp_path / "in"], "all", tmp_path / "whole")

    def stopped(*arguments, **options):
        counting.append(Counting(*arguments, **options))
        counting[-1].most = 10
        return counting[-1]

    with monkeypatch.context() as patch:
        patch.setattr(folder, "Stylizer", stopped)
        with pytest.raises(KeyboardInterrupt):
            paint(tiny_network, [tmp_path / "in"], "all", tmp_path / "out")
    assert len(names_in(tmp_path / "out")) == 9
    assert len(list((tmp_path / "out").iterdir())) == 10  # and the journal, nothing half-written
    written = paint(tiny_network, [tmp_path / "in"], "all", tmp_path / "out")
    assert [one.painted for one in counting] == [18, 9, 9]
    assert [path.name for path in written] == [path.name for path in whole]
    for one, other in zip(written, whole, strict=True):
        assert one.read_bytes() == other.read_bytes()


# === Side by side ===


def test_what_is_in_memory_is_bounded(tiny_network, make_photo, tmp_path, monkeypatch):
    """Few photos are read ahead, and few pictures wait, however slowly others do their part."""
    (tmp_path / "in").mkdir()
    for seed in range(12):
        Image.fromarray(make_photo(24, 20, seed)).save(tmp_path / "in" / f"{seed:02}.png")
    counts = {"read": 0, "painted": 0, "written": 0}
    ahead, behind = [], []
    load, save = photo_files.files.load_pixels, images.save

    def slow_save(*arguments, **options):
        time.sleep(0.02)
        counts["written"] += 1
        return save(*arguments, **options)

    def counted_load(*arguments, **options):
        counts["read"] += 1
        return load(*arguments, **options)

    def note(self, photo, styles, **options):
        ahead.append(counts["read"] - len(ahead))
        behind.append(counts["painted"] - counts["written"])
        counts["painted"] += len(styles)
        return np.stack([images.from_uint8(photo)] * len(styles))

    monkeypatch.setattr(photo_files.files, "load_pixels", counted_load)
    monkeypatch.setattr(folder.images, "save", slow_save)
    monkeypatch.setattr(Stylizer, "__call__", note)
    paint(tiny_network, [tmp_path / "in"], "all", tmp_path / "out")
    assert counts == {"read": 12, "painted": 36, "written": 36}
    assert max(ahead) <= 1 + folder._READ_AHEAD
    # Those that wait, and at most one that was just being counted.
    assert 1 < max(behind) <= folder._WRITE_BEHIND + 1


def test_photos_that_fail_keep_their_order(tiny_network, album, tmp_path, monkeypatch):
    """Whether reading, painting or writing failed: a line for each photo, in their order."""
    for name in "cde":
        (album / f"{name}.png").write_bytes((album / "a.png").read_bytes())
    (album / "c.png").write_text("no photo")
    Image.new("RGB", (40, 9)).save(album / "d.png")
    save = images.save

    def failing(path, *arguments, **options):
        if path.name.startswith("b_"):
            raise UserError(f"cannot write {path}: no space left.")
        save(path, *arguments, **options)

    monkeypatch.setattr(folder.images, "save", failing)
    with pytest.raises(UserError) as caught:
        paint(tiny_network, [album], "all", tmp_path / "out")
    first, second, third = str(caught.value).split("; ")
    assert first.startswith(f"{album / 'b.png'}: cannot write") and "b_ash.png" in first
    assert "c.png is not an image" in second and "d.png: the photo is 40 x 9 px" in third
    assert third.endswith(" (written: 6 pictures)")
    monkeypatch.setattr(folder.images, "save", save)
    with pytest.raises(UserError, match=r"written: 3 pictures, 6 were there already\)"):
        paint(tiny_network, [album], "all", tmp_path / "out")
