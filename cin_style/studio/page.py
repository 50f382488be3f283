"""The page: a photo on the left, on the right what is done with it."""

import os
import pathlib

import gradio as gr

from cin_style import images
from cin_style.images.samples import sample_photos
from cin_style.studio import (
    blending,
    composites,
    learning,
    masking,
    painting,
    photographs,
)
from cin_style.studio.engine import Engine
from cin_style.studio.parts import LONGEST, Shared, Stops, told, upload

_ASSETS = pathlib.Path(__file__).with_name("assets")

_TABS = {
    "Paint": painting.PaintTab,
    blending.NAME: blending.BlendTab,
    "Mask": masking.MaskTab,
    "Your own style": learning.OwnStyleTab,
    "Photographs": photographs.PhotographsTab,
    "Composites": composites.CompositesTab,
}

_HEAD = """\
# cin_style studio
Paint a photo in many styles, blend them, and add your own. Everything stays on this computer.
"""


def build(engine: Engine, folder: str | os.PathLike) -> gr.Blocks:
    """The page, ready to be launched.

    Args:
        engine: paints.
        folder: where files lie until they are cleared away.
    """
    folder = pathlib.Path(folder)
    with gr.Blocks(
        title="cin_style studio",
        analytics_enabled=False,
        delete_cache=(600, LONGEST),
        fill_width=True,
    ) as page:
        gr.Markdown(_HEAD, elem_id="head")
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                photo = upload("Your photo", 280, "photo")
                _samples(folder, photo)
            with gr.Column(scale=4, min_width=320):
                shared = Shared(engine, photo, gr.State(()), gr.State(""), Stops(), folder)
                with gr.Tabs() as tabs:
                    for name, tab in _TABS.items():
                        with gr.Tab(name):
                            tab(shared)
                page.unload(shared.stops.stop)
                tabs.select(told(_name), None, shared.tab, show_progress="hidden")
    return page


def _name(event: gr.SelectData) -> str:
    """What the tab is called that was chosen."""
    return str(event.value)


def _samples(folder: pathlib.Path, photo: gr.Image) -> None:
    """The sample photos, to be chosen with one click."""
    paths = []
    for name, pixels in sample_photos().items():
        paths.append((folder / f"{name}.png", name))
        images.save(paths[-1][0], pixels)
    gallery = gr.Gallery(
        paths,
        label="Sample photos",
        show_label=False,
        columns=2,
        height=280,
        allow_preview=False,
        buttons=[],
        interactive=False,
        object_fit="cover",
        elem_id="samples",
    )

    def take(event: gr.SelectData) -> str:
        # By its number: a path that came from a browser might be any file's.
        return str(paths[event.index][0])

    gallery.select(told(take), None, photo)


def theme() -> gr.themes.Base:
    """How it looks; with fonts that every system has."""
    return gr.themes.Soft(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def style_sheet() -> str:
    """The page's own CSS."""
    return (_ASSETS / "page.css").read_text(encoding="utf-8")


def script() -> str:
    """The page's own JavaScript, a function that is called once."""
    return (_ASSETS / "page.js").read_text(encoding="utf-8")
