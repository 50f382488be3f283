"""Who may reach the studio, and what it says where it can't begin."""

import logging

import pytest

from cin_style.errors import UserError
from cin_style.studio import server
from cin_style.studio.recipe import StudioRecipe


def test_names_and_passwords(tmp_path):
    assert server._visitors("") == []
    assert server._visitors("ann:pass:word") == [("ann", "pass:word")]
    file = tmp_path / "visitors.txt"
    file.write_text("ann:one\n\nbob:two\n")
    assert server._visitors(str(file)) == [("ann", "one"), ("bob", "two")]


@pytest.mark.parametrize("auth", ["ann", "ann:", ":word"])
def test_bad_names_and_passwords(auth):
    with pytest.raises(UserError, match="NAME:PASSWORD"):
        server._visitors(auth)


@pytest.mark.parametrize(
    "options", [{"port": 0}, {"port": 70_000}, {"megapixels": 0}, {"host": ""}, {"waiting": 0}]
)
def test_what_can_not_be_served(options):
    with pytest.raises(UserError):
        StudioRecipe(**options)


@pytest.fixture
def apart(monkeypatch, tmp_path):
    """Keeps what the studio sets for its process out of this one."""
    from PIL import Image

    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CIN_STYLE_MOST_MEGAPIXELS", "30")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    return tmp_path


def test_without_gradio_it_says_what_to_install(apart, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    with pytest.raises(UserError, match=r"pip install cin_style\[studio\]"):
        server.prepare(StudioRecipe(), apart)


def test_opened_wider_it_warns_unless_visitors_have_passwords(apart, monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    caplog.set_level(logging.WARNING, "cin_style")
    logging.getLogger("cin_style").propagate = True
    for recipe, count in (
        (StudioRecipe(), 0),
        (StudioRecipe(host="0.0.0.0", auth="ann:word"), 0),
        (StudioRecipe(host="0.0.0.0"), 1),
    ):
        caplog.clear()
        with pytest.raises(UserError):
            server.prepare(recipe, apart)
        assert len(caplog.records) == count
