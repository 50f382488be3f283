"""The studio's tab for photographs: the light of one given to another."""

import pathlib
from typing import Any

import gradio as gr

from cin_style.painting.recipes import PhotorealRecipe
from cin_style.studio import snippets
from cin_style.studio.parts import Again, Shared, need, told, upload


def build(shared: Shared) -> None:
    """Draws the tab."""
    engine = shared.engine
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            other = upload("A photo whose light and colours yours takes", 260, "light")
            method = gr.Radio(
                [("at once", "colours"), ("with place and lightness, some seconds", "grid")],
                value="colours",
                label="How",
            )
            segments = gr.Slider(
                1, 8, 4, step=1, label="Kinds of things told apart (sky, land, ...)"
            )
            give = gr.Button("Give it this light", variant="primary", elem_id="give")
            download = gr.DownloadButton("Download", interactive=False)
        with gr.Column(scale=2, min_width=320):
            picture = gr.ImageSlider(
                label="Before and after", buttons=["fullscreen"], max_height=560, elem_id="relit"
            )
    again = Again.make()

    def paint(photo: str | None, other: str | None, method: str, segments: int) -> Any:
        from cin_style.painting.photorealism import photoreal

        need(photo, "Choose a photo")
        need(other, "Drop a photo with the light that yours shall take")
        recipe = PhotorealRecipe(
            content=photo,  # type: ignore[arg-type]
            style=other,  # type: ignore[arg-type]
            method=method,
            segments=str(segments),
        )
        output = shared.new_folder() / f"{pathlib.Path(recipe.content).stem}_relit.jpg"
        photoreal(recipe, output)
        return (
            (engine.photo(recipe.content), engine.photo(str(output))),
            snippets.command("photoreal", recipe, output.name),
            snippets.python("photoreal", recipe, output.name),
            gr.DownloadButton(value=output, interactive=True),
        )

    give.click(
        told(paint),
        [shared.photo, other, method, segments],
        [picture, *again.boxes, download],
        show_progress_on=picture,
    )
