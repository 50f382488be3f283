"""The studio's tab of composites: an object set into the photo, or into a painting."""

import pathlib
from typing import Any

import gradio as gr

from cin_style.images import files, limits
from cin_style.painting.recipes import KINDS, CompositeRecipe
from cin_style.studio import snippets
from cin_style.studio.drawn import mask_of_object
from cin_style.studio.parts import Again, Shared, need, told, upload

_KINDS = {"auto": "whatever it is", "photo": "a photo", "painting": "a painting"}


def build(shared: Shared) -> None:
    """Draws the tab."""
    engine = shared.engine
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            source = upload("A picture with an object", 200, "object")
            editor = gr.ImageEditor(
                label="Paint over the object",
                sources=(),
                transforms=(),
                layers=False,
                height=320,
                brush=gr.Brush(colors=["rgb(239, 68, 68)"], color_mode="fixed", default_size=30),
                elem_id="cutout",
            )
        with gr.Column(scale=1, min_width=320):
            picture = gr.Image(
                label="The object in your picture",
                alt_text="The object in your picture",
                interactive=False,
                buttons=["fullscreen"],
                height=400,
                elem_id="composite",
            )
            with gr.Row():
                across = gr.Slider(0, 100, 50, step=1, label="Across, %")
                down = gr.Slider(0, 100, 60, step=1, label="Down, %")
                scale = gr.Slider(0.1, 3, 1, step=0.05, label="Size")
            with gr.Row():
                kind = gr.Radio(
                    [(_KINDS[kind], kind) for kind in KINDS], value="auto", label="Into"
                )
                steps = gr.Radio([0, 16, 50], value=0, label="Steps (into a painting)")
            with gr.Row():
                put = gr.Button("Set it in", variant="primary", elem_id="put")
                download = gr.DownloadButton("Download", interactive=False)
                its_mask = gr.DownloadButton("Mask", interactive=False)
    again = Again.make()

    def fill(path: str | None) -> Any:
        if not path:
            return None
        return {"background": engine.photo(path), "layers": [], "composite": None}

    def paint(photo: str | None, path: str | None, drawn: Any, *given: Any) -> Any:
        from cin_style.painting.compositing import composite

        need(photo, "Choose a picture on the left that the object goes into")
        need(path, "Drop a picture with an object")
        across, down, scale, kind, steps = given
        folder = shared.new_folder()
        size = files.open_rgb(path, most_pixels=limits.most_pixels()).size  # type: ignore[arg-type]
        mask_of_object(drawn, size).save(folder / "mask.png")
        recipe = CompositeRecipe(
            object=path,  # type: ignore[arg-type]
            mask=str(folder / "mask.png"),
            into=photo,  # type: ignore[arg-type]
            at=f"{across:g}%,{down:g}%",
            scale=scale,
            kind=kind,
            steps=steps,
        )
        output = folder / f"{pathlib.Path(recipe.into).stem}_with_object.jpg"
        composite(recipe, output)
        return (
            engine.photo(str(output)),
            snippets.command("composite", recipe, output.name),
            snippets.python("composite", recipe, output.name),
            gr.DownloadButton(value=output, interactive=True),
            gr.DownloadButton(value=recipe.mask, interactive=True),
        )

    source.change(told(fill), source, editor, show_progress="hidden")
    put.click(
        told(paint),
        [shared.photo, source, editor, across, down, scale, kind, steps],
        [picture, *again.boxes, download, its_mask],
        show_progress_on=picture,
    )
