"""What the studio paints with, without its page."""

import numpy as np
import pytest
from PIL import Image

import cin_style
from cin_style import StyleCard, UserError, images
from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio.drawn import shares
from cin_style.studio.engine import PREVIEW, THUMBNAIL, Engine


@pytest.fixture(scope="module")
def model(tiny_network, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    cin_style.save(tiny_network, path)
    return path


@pytest.fixture(scope="module")
def engine(model):
    return Engine(model)


@pytest.fixture
def photo(tmp_path, make_photo):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x013B] = "A. Photographer"
    Image.fromarray(make_photo(90, 60, 3)).save(path, exif=exif)
    return str(path)


def test_thumbnails_of_all_styles(engine, photo):
    found = engine.thumbnails(photo)
    assert found.shape == (3, 60, 90, 3) and found.dtype == np.uint8
    assert max(found.shape[1:3]) <= THUMBNAIL
    assert np.abs(found[0].astype(int) - found[1]).mean() > 1


def test_a_picture_is_the_command_lines(engine, model, photo, tmp_path):
    recipe = StylizeRecipe(
        photos=[photo], model=str(model), style="birch", strength=0.7, colours="luminance"
    )
    path = engine.paint(recipe, tmp_path)
    cin_style.stylize(recipe, tmp_path / "same.png")
    same = np.asarray(Image.open(tmp_path / "same.png"))
    assert np.array_equal(np.asarray(Image.open(path)), same)
    assert Image.open(path).getexif()[0x013B] == "A. Photographer"
    # Small enough to be looked at as it is.
    assert max(same.shape) <= PREVIEW
    assert np.array_equal(engine.preview(recipe), same)


def test_a_visitors_styles_are_theirs_alone(engine, photo):
    embedding = 2 * engine.stylizer.styled.get_style_embedding("ash")
    card = engine.new_card("mine", embedding, ())
    assert [style.name for style in engine.styles((card,))][-1] == "mine"
    assert len(engine.thumbnails(photo, (card,))) == 4
    mixed = engine.preview(StylizeRecipe(photos=[photo], style="mine=0.5,ash=0.5"), (card,))
    ash = engine.stylizer.styled.get_style_embedding("ash")
    expected = engine.stylizer(photo, embedding=0.5 * embedding + 0.5 * ash)
    assert np.abs(mixed - images.to_uint8(expected).astype(int)).max() <= 1
    assert len(engine.thumbnails(photo)) == 3
    with pytest.raises(UserError, match="mine"):
        engine.preview(StylizeRecipe(photos=[photo], style="mine"))


@pytest.mark.parametrize("chosen", ["ash,birch", "ash,birch,cedar", "ash,birch,cedar,mine"])
def test_the_pad_is_near_the_blend(engine, photo, chosen):
    card = engine.new_card("mine", 1.5 * engine.stylizer.styled.get_style_embedding("ash"), ())
    names, painter = chosen.split(","), engine.painter((card,))

    def apart(x, y):
        place = {"x": x, "y": y}
        found = engine.between(photo, names, place, (card,))
        blend = painter(photo, shares(names, place), raw=True, stroke_size=0.0)
        return np.abs(found - images.to_uint8(blend).astype(int)).mean()

    assert max(apart(x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1)) <= 0.01
    corners = [engine.between(photo, names, {"x": x, "y": 0}, (card,)) for x in (0, 1)]
    far = np.abs(corners[0] - corners[1].astype(int)).mean()
    assert apart(0.7, 0.2) < 0.4 * far  # far rougher than a trained network


def test_styles_in_files(engine):
    embedding = np.ones(engine.stylizer.styled.embedding_size, "float32")
    cards = (engine.new_card("mine", embedding, ()),)
    assert engine.in_files("ash", cards) == "ash"
    assert engine.in_files("mine", cards) == "mine.style.npz"
    assert engine.in_files("mine=0.2,ash=0.8", cards) == "mine.style.npz=0.2,ash=0.8"


def test_names_of_cards_are_free_ones(engine):
    embedding = np.ones(engine.stylizer.styled.embedding_size, "float32")
    one = engine.new_card("ash", embedding, ())
    two = engine.new_card("ash", embedding, (one,))
    assert (one.style.name, two.style.name) == ("ash_2", "ash_3")
    assert isinstance(two, StyleCard) and two.fingerprint == engine.stylizer.styled.fingerprint


def test_a_visitor_has_so_many_cards_at_most(engine):
    embedding = np.ones(engine.stylizer.styled.embedding_size, "float32")
    cards = tuple(engine.new_card("mine", embedding, ()) for _ in range(32))
    with pytest.raises(UserError, match="32 styles"):
        engine.new_card("mine", embedding, cards)


def test_a_painter_of_other_styles_shares_what_computes(engine, tiny_network, photo):
    painter = engine.stylizer.of(tiny_network.select(["cedar"]))
    assert painter.styles == ("cedar",)
    assert np.array_equal(painter(photo, "cedar"), engine.stylizer(photo, "cedar"))
    assert engine.stylizer.styles == ("ash", "birch", "cedar")
    assert painter._runtime is engine.stylizer._runtime


def test_a_painter_takes_no_styles_of_other_convolutions(engine):
    other = cin_style.StyleTransferNetwork(["a"], widths=(4, 6, 8), residual_blocks=1)
    with pytest.raises(UserError, match="other convolutions"):
        engine.stylizer.of(other)


@pytest.mark.parametrize("what", ["text", "empty", "narrow", "missing"])
def test_what_is_no_photo_is_told(engine, tmp_path, what):
    path = tmp_path / "bad.png"
    if what == "text":
        path.write_text("no picture")
    elif what == "empty":
        path.touch()
    elif what == "narrow":
        Image.new("RGB", (300, 5)).save(path)
    with pytest.raises((UserError, FileNotFoundError)) as caught:
        engine.thumbnails(str(path))
    assert "\n" not in str(caught.value)


def test_a_photo_that_changed_is_read_again(engine, photo, make_photo):
    before = engine.photo(photo)
    Image.fromarray(make_photo(40, 50, 9)).save(photo)
    assert engine.photo(photo).shape != before.shape
