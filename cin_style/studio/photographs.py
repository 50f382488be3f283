"""The studio's tab for photographs: the light of one given to another."""

import pathlib
from typing import Any

import gradio as gr

from cin_style.painting.recipes import PhotorealRecipe
from cin_style.studio import snippets
from cin_style.studio.parts import Again, Tab, need, told, upload


class PhotographsTab(Tab):
    """The light of one photo given to another."""

    def _draw(self) -> None:
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                self.other = upload("A photo whose light and colours yours takes", 260, "light")
                self.method = gr.Radio(
                    [("at once", "colours"), ("with place and lightness, some seconds", "grid")],
                    value="colours",
                    label="How",
                )
                self.segments = gr.Slider(
                    1, 8, 4, step=1, label="Kinds of things told apart (sky, land, ...)"
                )
                self.give = gr.Button("Give it this light", variant="primary", elem_id="give")
                self.download = gr.DownloadButton(
                    "Download", interactive=False, elem_id="download_light"
                )
            with gr.Column(scale=2, min_width=320):
                self.picture = gr.ImageSlider(
                    label="Before and after",
                    buttons=["fullscreen"],
                    max_height=560,
                    elem_id="relit",
                )
        self.again = Again.make()

    def paint(self, photo: str | None, other: str | None, method: str, segments: int) -> Any:
        from cin_style.painting.photorealism import photoreal

        need(photo, "Choose a photo")
        need(other, "Drop a photo with the light that yours shall take")
        recipe = PhotorealRecipe(
            content=photo,  # type: ignore[arg-type]
            style=other,  # type: ignore[arg-type]
            method=method,
            segments=str(segments),
        )
        output = self.shared.new_folder() / f"{pathlib.Path(recipe.content).stem}_relit.jpg"
        photoreal(recipe, output)
        return (
            (self.shared.engine.photo(recipe.content), self.shared.engine.photo(str(output))),
            *snippets.both("photoreal", recipe, output.name),
            gr.DownloadButton(value=output, interactive=True),
        )

    def _connect(self) -> None:
        self.give.click(
            told(self.paint),
            [self.shared.photo, self.other, self.method, self.segments],
            [self.picture, *self.again.boxes, self.download],
            show_progress_on=self.picture,
        )
