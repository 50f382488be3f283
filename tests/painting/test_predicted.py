"""Painting in the styles of images: by themselves, in blends, and what is refused."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from cin_style import images
from cin_style.errors import UserError
from cin_style.networks.cards import StyleCard
from cin_style.painting.blends import blend
from cin_style.painting.folder import stylize
from cin_style.painting.predicted import for_stylize
from cin_style.painting.recipes import BlendRecipe, StylizeRecipe
from cin_style.painting.stylizer import Stylizer
from cin_style.prediction import files
from cin_style.prediction.predictor import StylePredictor
from cin_style.prediction.statistics import StyleView


@pytest.fixture(scope="module")
def folder(tiny_network, tiny_model, make_photo, tmp_path_factory):
    """A network with its predictor, two style images and a photo; not to be changed."""
    folder = tmp_path_factory.mktemp("predicted")
    shutil.copy(tiny_model, folder / "mine.keras")
    keras.utils.set_random_seed(5)
    predictor = StylePredictor.of(tiny_network, StyleView(layers=("block1_conv2",), size=32))
    rng = np.random.default_rng(5)
    predictor.set_statistics(rng.normal(2, 0.5, (8, predictor.view.num_statistics)))
    predictor.save(files.beside(folder / "mine.keras"))
    for seed, name in enumerate(("dune.png", "ash.png", "photo.png")):
        Image.fromarray(make_photo(48, 40, 60 + seed)).save(folder / name)
    return folder


@pytest.fixture
def recipe(folder):
    """Paints the photo in the style of one image."""
    return StylizeRecipe(
        photos=[folder / "photo.png"],
        model=folder / "mine.keras",
        style_image=str(folder / "dune.png"),
    )


def test_a_style_image_is_predicted_and_painted_in(folder, recipe, tmp_path):
    (path,) = stylize(recipe, tmp_path)
    assert path.name == "photo_dune.png"
    stylizer = Stylizer(folder / "mine.keras")
    embedding = stylizer.predict(folder / "dune.png")
    assert embedding.shape == (stylizer.network.embedding_size,)
    expected = stylizer(folder / "photo.png", embedding=embedding)
    assert np.abs(images.load(path) - expected).max() < 0.6 / 255


def test_several_images_beside_known_styles(folder, recipe, tmp_path):
    both = f"{folder / 'dune.png'},{folder / 'ash.png'}"
    paths = stylize(recipe.replace(style="birch", style_image=both), tmp_path)
    # The network has a style named ash, which this image is not.
    assert [path.stem for path in paths] == ["photo_birch", "photo_dune", "photo_ash_2"]
    first = (tmp_path / "photo_dune.png").stat().st_mtime_ns
    stylize(recipe.replace(style="birch", style_image=both), tmp_path)
    assert (tmp_path / "photo_dune.png").stat().st_mtime_ns == first


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("all.png", "style_image"),
        ("-x.png", "x"),
        (f"{'long' * 25}.png", "style_image"),
        ("1,a=2.png", "1_a_2"),
    ],
)
def test_file_names_that_no_style_can_have(folder, recipe, tmp_path, name, style):
    shutil.copy(folder / "dune.png", tmp_path / name)
    (path,) = stylize(recipe.replace(style_image=str(tmp_path / name)), tmp_path / "painted")
    assert path.name == f"photo_{style}.png"


def test_blends_of_images_and_known_styles(folder, recipe, tmp_path):
    text = f"{folder / 'dune.png'}=0.25,birch=0.75"
    (path,) = stylize(recipe.replace(style_image="", style=text), tmp_path)
    stylizer = Stylizer(folder / "mine.keras")
    parts = stylizer.predict(folder / "dune.png"), stylizer.network.get_style_embedding("birch")
    expected = stylizer(folder / "photo.png", embedding=0.25 * parts[0] + 0.75 * parts[1])
    assert np.abs(images.load(path) - expected).max() < 0.6 / 255
    strip = BlendRecipe(
        photo=folder / "photo.png",
        model=folder / "mine.keras",
        styles=f"birch,{folder / 'dune.png'}",
        across="x",
    )
    assert images.load(blend(strip, tmp_path / "across.png")).shape == (40, 48, 3)


def test_without_images_nothing_is_predicted(tiny_network, recipe):
    asked = for_stylize(recipe.replace(style_image="", style="ash,2"), tiny_network, known=False)
    assert asked.network is tiny_network and asked.text == "ash,2" and asked.images == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style_image": "none.jpg"}, "no such style image: none.jpg"),
        ({"style_image": "", "style": "none.jpg=1,ash=1"}, "no such style image: none.jpg"),
        ({"style": "ash=0.5,birch=0.5"}, "In a blend, name the images in `style`"),
        ({"predictor": "none.npz"}, "no such predictor: none.npz"),
    ],
)
def test_bad_requests_are_refused_in_one_line(recipe, tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as error:
        stylize(recipe.replace(**changes), tmp_path)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_blank_and_broken_style_images(recipe, tmp_path):
    Image.new("RGB", (40, 40), "grey").save(tmp_path / "blank.png")
    (tmp_path / "broken.png").write_text("no image")
    for name, message in (("blank.png", "is blank"), ("broken.png", "is not an image")):
        with pytest.raises(UserError, match=message):
            stylize(recipe.replace(style_image=str(tmp_path / name)), tmp_path / "out")


def test_a_network_without_a_predictor(tiny_model, recipe, tmp_path):
    with pytest.raises(UserError, match="tiny.keras has no predictor.*`train_predictor`"):
        stylize(recipe.replace(model=tiny_model), tmp_path)
    with pytest.raises(UserError, match="has no predictor"):
        Stylizer(tiny_model).predict("any.png")


def test_a_style_image_is_never_painted_over(folder, recipe, tmp_path):
    image = tmp_path / "dune.png"
    shutil.copy(folder / "dune.png", image)
    with pytest.raises(UserError, match="would overwrite"):
        stylize(recipe.replace(style_image=str(image)), image)


def test_style_cards_in_place_of_names(tiny_network, tmp_path):
    card = StyleCard("mine", 2 * tiny_network.get_style_embedding("ash"), tiny_network.fingerprint)
    path = tmp_path / "a card.style.npz"
    card.save(path)
    asked = for_stylize(StylizeRecipe(style=f"{path}=0.5,ash=0.5"), tiny_network, known=False)
    assert asked.text == "mine=0.5,ash=0.5"
    np.testing.assert_array_equal(asked.network.get_style_embedding("mine"), card.embedding)
    other = StyleCard("mine", card.embedding, "of another network")
    other.save(path)
    with pytest.raises(UserError, match="another network"):
        for_stylize(StylizeRecipe(style=str(path)), tiny_network, known=False)
