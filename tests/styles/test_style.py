"""style.py, style_set.py: folders and catalogues to sets, every way to ask for a style."""

import json

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from cin_style.errors import UserError
from cin_style.styles.style import Style, find, find_all, unique
from cin_style.styles.style_set import StyleSet


def fill(folder, names, catalogue=None):
    """Writes small images of these names, and a styles.json (text, or a value) if any."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (6, 4), "#336699").save(folder / name)
    if catalogue is not None:
        text = catalogue if isinstance(catalogue, str) else json.dumps(catalogue)
        (folder / "styles.json").write_text(text, encoding="utf-8")
    return folder


def names_of(style_set):
    return [style.name for style in style_set.styles]


# === Style ===


def test_style_of():
    style = Style(name="waves", title="Great Waves", weight=2)
    assert Style.of("waves") == Style(name="waves")
    assert Style.of(style) is style
    assert Style.of(style.to_dict()) == style
    assert style.to_dict() == {"name": "waves", "title": "Great Waves", "weight": 2}
    with pytest.raises(UserError, match="may have artist.*Received: colour, name"):
        Style.of({"name": "waves", "colour": "blue"})
    with pytest.raises(UserError, match="a style needs a name.*Received: title"):
        Style.of({"title": "Waves"})
    with pytest.raises(UserError, match="needs a name.*Received: nothing"):
        Style.of({})


@pytest.mark.parametrize(
    "name", ["", "a b", "a/b", "../a", "a\\b", "a,b", "a=b", "a\n", "x" * 81, None, 7]
)
def test_names_that_would_not_work_in_paths_and_lists_are_refused(name):
    with pytest.raises(UserError, match="a style's name must be 1 to 80 characters without"):
        Style(name=name)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "2", None])
def test_weights_must_be_positive_numbers(weight):
    with pytest.raises(UserError, match="the weight of style waves must be a positive number"):
        Style(name="waves", weight=weight)


def test_unique():
    assert unique(["a", {"name": "b"}]) == (Style("a"), Style("b"))
    with pytest.raises(UserError, match="two styles are named b: every style needs its own"):
        unique(["a", "b", "c", "b"])
    with pytest.raises(UserError, match="no style given"):
        unique([])
    many = [f"style_{index}" for index in range(20_000)]
    assert len(unique(many)) == 20_000  # and in no time


# === Finding ===


def test_find():
    known = unique(["waves", "dots", "7", "1", "The_Scream"])
    assert [find(known, key) for key in ("waves", "dots", "The_Scream")] == [0, 1, 4]
    assert [find(known, key) for key in (0, "0", 4, "4", "03")] == [0, 0, 4, 4, 3]
    # A name goes before a number; an int is never a name.
    assert find(known, "7") == 2
    assert find(known, "1") == 3
    assert find(known, 1) == 1
    for key in (5, "5", -1):
        with pytest.raises(UserError, match="no style number .*numbered 0 to 4"):
            find(known, key)
    # NumPy's whole numbers are numbers, too; True and False are none.
    assert [find(known, kind(3)) for kind in (np.int64, np.int32, np.uint8)] == [3] * 3
    for key in ("-1", "²", "1.0", True, False, 1.0):
        with pytest.raises(UserError, match="no style named"):
            find(known, key)


@pytest.mark.parametrize(
    "key,near", [("wave", "waves"), ("DOTS", "dots"), ("scream", "The_Scream"), ("dtos", "dots")]
)
def test_find_suggests_the_nearest(key, near):
    known = unique(["waves", "dots", "The_Scream"])
    with pytest.raises(UserError, match=f"no style named {key}. Did you mean {near}?"):
        find(known, key)


def test_find_lists_the_names_where_none_is_near():
    with pytest.raises(UserError, match="no style named xylophone. There are: waves, dots"):
        find(unique(["waves", "dots"]), "xylophone")


@hypothesis.given(st.text(max_size=12))
def test_find_finds_or_says_so(key):
    known = unique(["waves", "dots", "12"])
    try:
        index = find(known, key)
    except UserError:
        assert key not in ("waves", "dots", "12")
    else:
        assert known[index].name == key or int(key) == index


def test_find_all():
    known = unique(["a", "b", "c"])
    assert find_all(known, "all") == [0, 1, 2]
    assert find_all(known, "c, 0,b,") == [2, 0, 1]
    with pytest.raises(UserError, match="no style named d"):
        find_all(known, "a,d")
    for nothing in ("", " ", ","):
        with pytest.raises(UserError, match="no style given.*a, b, c"):
            find_all(known, nothing)


# === Folders ===


def test_folder_without_a_catalogue(tmp_path):
    fill(tmp_path / "set", ["b.png", "a.jpg", "Two Words, so.png", ".hidden.png", "sub/c.png"])
    (tmp_path / "set" / "notes.txt").touch()
    style_set = StyleSet.from_folder(tmp_path / "set")
    assert names_of(style_set) == ["Two_Words_so", "a", "b"]
    assert [path.name for path in style_set.paths] == ["Two Words, so.png", "a.jpg", "b.png"]
    assert len(style_set) == 3


def test_catalogue_decides_what_and_in_which_order(tmp_path):
    entry = {"name": "dots", "file": "b.png", "title": "Many Dots", "artist": "B. Painter"}
    entry |= {"collection": "Museum", "source": "https://example.org", "license": "CC0"}
    entry |= {"year": "1890", "weight": 0.5, "medium": "oil"}
    folder = fill(tmp_path, ["a.png", "b.png", "c.png"], [entry, {"name": "ash", "file": "a.png"}])
    style_set = StyleSet.from_folder(folder)
    assert style_set.styles == (
        Style(
            name="dots",
            title="Many Dots",
            artist="B. Painter",
            year="1890",
            collection="Museum",
            source="https://example.org",
            license="CC0",
            weight=0.5,
        ),
        Style(name="ash"),
    )
    assert style_set.paths == [tmp_path / "b.png", tmp_path / "a.png"]


def test_a_catalogue_from_elsewhere(tmp_path):
    folder = fill(tmp_path / "set", ["a.png", "b.png"], [{"name": "ash", "file": "a.png"}])
    other = tmp_path / "other.json"
    other.write_text('[{"name": "dots", "file": "b.png", "weight": 2}]')
    style_set = StyleSet.from_folder(folder, catalogue=other)
    assert style_set.styles == (Style("dots", weight=2),)
    assert style_set.paths == [folder / "b.png"]
    with pytest.raises(UserError, match="no such catalogue of style images.*Check `catalogue`"):
        StyleSet.from_folder(folder, catalogue=tmp_path / "gone.json")


def test_a_year_may_be_a_number(tmp_path):
    catalogue = [{"name": "a", "file": "a.png", "year": 1893}]
    style_set = StyleSet.from_folder(fill(tmp_path, ["a.png"], catalogue))
    assert style_set.styles[0].year == "1893"
    with pytest.raises(UserError, match="the title of style a must be a text. Received:.*1"):
        Style("a", title=["1"])


def test_selection(style_folder):
    assert names_of(StyleSet.from_folder(style_folder)) == ["waves", "dots", "ash"]
    chosen = StyleSet.from_folder(style_folder, names=["ash", "waves"])
    assert names_of(chosen) == ["ash", "waves"]
    assert [path.name for path in chosen.paths] == ["ash.png", "waves.png"]
    assert chosen.styles[0].title == "Ash on Snow"
    with pytest.raises(UserError, match="no style named wave. Did you mean waves?"):
        StyleSet.from_folder(style_folder, names=["ash", "wave"])
    with pytest.raises(UserError, match="two styles are named ash"):
        StyleSet.from_folder(style_folder, names=["ash", "ash"])


def test_load_images(style_folder):
    loaded = StyleSet.from_folder(style_folder).load_images(18)
    assert [image.shape for image in loaded] == [(18, 20, 3), (22, 18, 3), (18, 26, 3)]
    for image in loaded:
        assert image.dtype == np.float32 and 0 <= image.min() < image.max() <= 1


def test_bad_folders(tmp_path):
    with pytest.raises(UserError, match="no such folder of style images: .*gone. Check `styles`"):
        StyleSet.from_folder(tmp_path / "gone")
    with pytest.raises(UserError, match="no image in the folder .*empty"):
        StyleSet.from_folder(fill(tmp_path / "empty", []))
    with pytest.raises(UserError, match="no style image in the folder .*deep itself"):
        StyleSet.from_folder(fill(tmp_path / "deep", ["below/a.png"]))
    with pytest.raises(UserError, match="two styles are named a: every style needs its own name"):
        StyleSet.from_folder(fill(tmp_path / "twice", ["a.jpg", "a.png"]))
    with pytest.raises(UserError, match="two styles are named a_b"):
        StyleSet.from_folder(fill(tmp_path / "alike", ["a b.png", "a,b.png"]))


_A = {"name": "a", "file": "a.png"}


@pytest.mark.parametrize(
    "catalogue,message",
    [
        ("[{", "styles.json can't be read: .*line 1"),
        ("", "styles.json can't be read"),
        ([], "can't be read: expected a list of objects with name and file"),
        ({"styles": [_A]}, "expected a list of objects"),
        ({}, "expected a list of objects"),
        (["a.png"], "expected a list of objects"),
        ("5", "expected a list of objects"),
        ("null", "expected a list of objects"),
        ([_A, {"name": "b", "file": "b.png"}], "the style b names the file b.png, which is not"),
        ([{"name": "a"}], "the style a names the file None, which is not in the folder"),
        ([{"file": "a.png"}], "a style needs a name"),
        ([_A, _A], "two styles are named a"),
        ([{**_A, "name": "../a"}], "name must be .* without spaces, slashes"),
        ([{**_A, "name": 3}], "name must be"),
        ([{**_A, "weight": -1}], "weight of style a must be a positive number"),
        ([{**_A, "weight": "1"}], "weight of style a must be a positive number"),
    ],
)
def test_bad_catalogues(tmp_path, catalogue, message):
    with pytest.raises(UserError, match=message):
        StyleSet.from_folder(fill(tmp_path, ["a.png"], catalogue))


def test_a_catalogue_of_another_encoding(tmp_path):
    fill(tmp_path, ["a.png"])
    (tmp_path / "styles.json").write_bytes('[{"name": "é"}]'.encode("latin-1"))
    with pytest.raises(UserError, match="styles.json can't be read: .*utf-8"):
        StyleSet.from_folder(tmp_path)
