"""The project's own style images: all there, and what their generator paints."""

import importlib.util
import pathlib

import numpy as np
import pytest

from cin_style import images
from cin_style.styles.style_set import StyleSet

FOLDER = pathlib.Path(__file__).parents[2] / "styles"


@pytest.fixture(scope="module")
def generate():
    """The generator, which is a script beside the images."""
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_thirty_two(generate):
    style_set = StyleSet.from_folder(FOLDER)
    assert len(style_set) == 32
    assert {style.name for style in style_set.styles} == set(generate.STYLES)
    assert {style.license for style in style_set.styles} == {"CC0-1.0"}
    for path in style_set.paths:
        assert images.open_rgb(path).size == (512, 512)


def test_an_image_is_a_function_of_its_name(generate):
    one, other = (np.asarray(generate.paint("deco_fans", 64)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (64, 64, 3) and one.std() > 30
    assert np.any(one != np.asarray(generate.paint("koi_scales", 64)))


def test_the_committed_image_is_what_the_generator_paints(generate):
    painted = images.from_uint8(np.asarray(generate.paint("stained_glass_rose", 512)))
    committed = images.load(FOLDER / "stained_glass_rose.jpg")
    # JPEG, and rounding on other processors.
    assert np.abs(painted - committed).mean() < 0.03
