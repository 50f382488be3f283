"""The studio's tab of composites: an object set into the photo, or into a painting."""

import pathlib
from typing import Any

import gradio as gr

from cin_style.images import files, limits
from cin_style.painting.recipes import KINDS, CompositeRecipe
from cin_style.studio import snippets
from cin_style.studio.drawn import mask_of_object
from cin_style.studio.parts import Again, Tab, editor, need, shown_picture, told, upload

_KINDS = {"auto": "whatever it is", "photo": "a photo", "painting": "a painting"}


class CompositesTab(Tab):
    """An object set into the photo, or into a painting."""

    def _draw(self) -> None:
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                self.source = upload("A picture with an object", 200, "object")
                self.editor = editor(
                    "Paint over the object", 320, ["rgb(239, 68, 68)"], 30, "cutout"
                )
            with gr.Column(scale=1, min_width=320):
                self.picture = shown_picture("The object in your picture", 400, "composite")
                with gr.Row():
                    self.across = gr.Slider(0, 100, 50, step=1, label="Across, %")
                    self.down = gr.Slider(0, 100, 60, step=1, label="Down, %")
                    self.scale = gr.Slider(0.1, 3, 1, step=0.05, label="Size")
                with gr.Row():
                    self.kind = gr.Radio(
                        [(_KINDS[word], word) for word in KINDS],
                        value="auto",
                        label="Into",
                    )
                    self.steps = gr.Radio([0, 16, 50], value=0, label="Steps (into a painting)")
                with gr.Row():
                    self.put = gr.Button("Set it in", variant="primary", elem_id="put")
                    self.download = gr.DownloadButton(
                        "Download", interactive=False, elem_id="download_object"
                    )
                    self.its_mask = gr.DownloadButton(
                        "Mask", interactive=False, elem_id="mask_object"
                    )
        self.again = Again.make()

    def fill(self, path: str | None) -> Any:
        return self.to_draw_on(path)

    def paint(self, photo: str | None, path: str | None, drawn: Any, *given: Any) -> Any:
        from cin_style.painting.compositing import composite

        need(photo, "Choose a picture on the left that the object goes into")
        need(path, "Drop a picture with an object")
        across, down, scale, kind, steps = given
        folder = self.shared.new_folder()
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
            self.shared.engine.photo(str(output)),
            *snippets.both("composite", recipe, output.name),
            gr.DownloadButton(value=output, interactive=True),
            gr.DownloadButton(value=recipe.mask, interactive=True),
        )

    def _connect(self) -> None:
        self.source.change(told(self.fill), self.source, self.editor, show_progress="hidden")
        self.put.click(
            told(self.paint),
            [
                self.shared.photo,
                self.source,
                self.editor,
                self.across,
                self.down,
                self.scale,
                self.kind,
                self.steps,
            ],
            [self.picture, *self.again.boxes, self.download, self.its_mask],
            show_progress_on=self.picture,
        )
