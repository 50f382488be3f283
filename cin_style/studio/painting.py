"""The studio's first tab: a photo in one style."""

import os
from typing import Any

import gradio as gr

from cin_style.images.colour import COLOURS
from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio import snippets
from cin_style.studio.parts import Again, Shared, need, told

_COLOURS = {"style": "the style's", "luminance": "the photo's", "histogram": "matched"}


def build(shared: Shared) -> None:
    """Draws the tab."""
    engine = shared.engine
    name = gr.State("")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gallery = gr.Gallery(
                label="Your photo in every style",
                show_label=False,
                columns=4,
                height=680,
                object_fit="cover",
                allow_preview=False,
                buttons=[],
                interactive=False,
                elem_id="styles",
            )
        with gr.Column(scale=3, min_width=320):
            picture = gr.ImageSlider(
                label="Before and after", buttons=["fullscreen"], max_height=480, elem_id="picture"
            )
            with gr.Row():
                strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", elem_id="strength")
                size = gr.Slider(0.25, 4, 1, step=0.25, label="Size of strokes")
            with gr.Row():
                colours = gr.Radio(
                    [(_COLOURS[word], word) for word in COLOURS], value="style", label="Colours"
                )
                format = gr.Radio(
                    ["jpg", "png", "webp"], value="jpg", label="File", elem_id="format"
                )
            with gr.Row():
                whole = gr.Button("Paint in full size", variant="primary", elem_id="whole")
                download = gr.DownloadButton("Download", interactive=False, elem_id="download")
    again = Again.make()

    def recipe(photo: str | None, name: str, *given: Any) -> StylizeRecipe:
        need(photo, "Choose a photo")
        need(name, "Choose a style")
        strength, size, colours, format = given
        return StylizeRecipe(
            photos=[photo],  # type: ignore[arg-type]
            model=engine.model,
            style=name,
            strength=strength,
            stroke_size=size,
            colours=colours,
            format=format,
        )

    def show(photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        if not (photo and name):
            return gr.skip()
        asked = recipe(photo, name, *given)
        before, after = engine.photo(photo), engine.preview(asked, cards)
        return (before, after), *_snippets(asked), gr.DownloadButton(interactive=False)

    def say(photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        return _snippets(recipe(photo, name, *given)) if photo and name else gr.skip()

    def choose(cards: Any, event: gr.SelectData) -> str:
        return engine.styles(cards)[event.index].name

    def paint(photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        asked = recipe(photo, name, *given)
        path = engine.paint(asked, shared.new_folder(), cards)
        return gr.DownloadButton(value=path, interactive=True)

    def fill(photo: str | None, cards: Any) -> Any:
        if not photo:
            return []
        titles = [title for title, _ in shared.names(cards)]
        return list(zip(engine.thumbnails(photo, cards), titles, strict=True))

    given = [shared.photo, shared.cards, name, strength, size, colours, format]
    shown = [picture, *again.boxes, download]
    gr.on(
        [shared.photo.change, shared.cards.change],
        told(fill),
        [shared.photo, shared.cards],
        gallery,
        show_progress_on=gallery,
    )
    gallery.select(told(choose), shared.cards, name)
    gr.on(
        [name.change, shared.photo.change, strength.change, size.change, colours.change],
        told(show),
        given,
        shown,
        trigger_mode="always_last",
        show_progress_on=picture,
    )
    format.change(told(say), given, again.boxes, show_progress="hidden")
    whole.click(told(paint), given, download, show_progress_on=whole)


def _snippets(recipe: StylizeRecipe) -> tuple[str, str]:
    stem = os.path.splitext(os.path.basename(recipe.photos[0]))[0]
    output, without = f"{stem}_{recipe.style}.{recipe.format}", ("format",)
    return (
        snippets.command("stylize", recipe, output, without=without),
        snippets.python("stylize", recipe, output, without=without),
    )
