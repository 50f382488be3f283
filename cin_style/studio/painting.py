"""The studio's first tab: a photo in one style."""

import os
from typing import Any

import gradio as gr

from cin_style.images.colour import COLOURS
from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio import snippets
from cin_style.studio.parts import Again, Tab, need, told

_COLOURS = {"style": "the style's", "luminance": "the photo's", "histogram": "matched"}


class PaintTab(Tab):
    """A photo in one style."""

    def _draw(self) -> None:
        self.name = gr.State("")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self.gallery = gr.Gallery(
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
                self.picture = gr.ImageSlider(
                    label="Before and after",
                    buttons=["fullscreen"],
                    max_height=480,
                    elem_id="picture",
                )
                with gr.Row():
                    self.strength = gr.Slider(
                        0, 1, 1, step=0.05, label="Strength", elem_id="strength"
                    )
                    self.size = gr.Slider(0.25, 4, 1, step=0.25, label="Size of strokes")
                with gr.Row():
                    self.colours = gr.Radio(
                        [(_COLOURS[word], word) for word in COLOURS], value="style", label="Colours"
                    )
                    self.format = gr.Radio(
                        ["jpg", "png", "webp"], value="jpg", label="File", elem_id="format"
                    )
                with gr.Row():
                    self.whole = gr.Button("Paint in full size", variant="primary", elem_id="whole")
                    self.download = gr.DownloadButton(
                        "Download", interactive=False, elem_id="download"
                    )
        self.again = Again.make()

    def recipe(self, photo: str | None, name: str, *given: Any) -> StylizeRecipe:
        need(photo, "Choose a photo")
        need(name, "Choose a style")
        strength, size, colours, format = given
        return StylizeRecipe(
            photos=[photo],  # type: ignore[arg-type]
            model=self.shared.engine.model,
            style=name,
            strength=strength,
            stroke_size=size,
            colours=colours,
            format=format,
        )

    def show(self, photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        if not (photo and name):
            return gr.skip()
        asked = self.recipe(photo, name, *given)
        before, after = self.shared.engine.photo(photo), self.shared.engine.preview(asked, cards)
        return (before, after), *self.snippets(asked, cards), gr.DownloadButton(interactive=False)

    def say(self, photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        if not (photo and name):
            return gr.skip()
        return self.snippets(self.recipe(photo, name, *given), cards)

    def snippets(self, recipe: StylizeRecipe, cards: Any) -> tuple[str, str]:
        stem = os.path.splitext(os.path.basename(recipe.photos[0]))[0]
        output = f"{stem}_{recipe.style}.{recipe.format}"
        shown = recipe.replace(
            style=self.shared.engine.in_files(recipe.style, cards), format=StylizeRecipe.format
        )
        return snippets.both("stylize", shown, output)

    def choose(self, cards: Any, event: gr.SelectData) -> str:
        return self.shared.engine.styles(cards)[event.index].name

    def paint(self, photo: str | None, cards: Any, name: str, *given: Any) -> Any:
        asked = self.recipe(photo, name, *given)
        path = self.shared.engine.paint(asked, self.shared.new_folder(), cards)
        return gr.DownloadButton(value=path, interactive=True)

    def fill(self, photo: str | None, cards: Any) -> Any:
        if not photo:
            return []
        titles = [title for title, _ in self.shared.names(cards)]
        return list(zip(self.shared.engine.thumbnails(photo, cards), titles, strict=True))

    def _connect(self) -> None:
        given = [
            self.shared.photo,
            self.shared.cards,
            self.name,
            self.strength,
            self.size,
            self.colours,
            self.format,
        ]
        shown = [self.picture, *self.again.boxes, self.download]
        gr.on(
            [self.shared.photo.change, self.shared.cards.change],
            told(self.fill),
            [self.shared.photo, self.shared.cards],
            self.gallery,
            show_progress_on=self.gallery,
        )
        self.gallery.select(told(self.choose), self.shared.cards, self.name)
        gr.on(
            [
                self.name.change,
                self.shared.photo.change,
                self.strength.change,
                self.size.change,
                self.colours.change,
            ],
            told(self.show),
            given,
            shown,
            trigger_mode="always_last",
            show_progress_on=self.picture,
        )
        self.format.change(told(self.say), given, self.again.boxes, show_progress="hidden")
        self.whole.click(told(self.paint), given, self.download, show_progress_on=self.whole)
