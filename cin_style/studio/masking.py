"""The studio's tab of masks: a brush says which style goes where."""

import pathlib
from typing import Any

import gradio as gr
import numpy as np

from cin_style import images
from cin_style.images import files, limits
from cin_style.painting.blends import blend
from cin_style.painting.recipes import BlendRecipe
from cin_style.studio import snippets
from cin_style.studio.drawn import BRUSHES, mask_of_styles
from cin_style.studio.engine import PREVIEW
from cin_style.studio.parts import Again, Tab, editor, need, shown_picture, told

_FIRST = ("the_bedroom", "starry_night", "composition_vii", "serape")


class MaskTab(Tab):
    """A brush says which style goes where."""

    def _draw(self) -> None:
        names = self.shared.names(())
        known = [name for _, name in names]
        first = [name if name in known else known[0] for name in _FIRST]
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                self.editor = editor(
                    "Paint over the photo: which style where",
                    480,
                    [f"rgb{colour}" for colour in BRUSHES.values()],
                    40,
                    "mask",
                )
                with gr.Row(elem_classes="pairs"):
                    self.below = gr.Dropdown(names, value=first[0], label="Everywhere else")
                    self.chosen = [
                        gr.Dropdown(names, value=name, label=f"Where it is {colour}")
                        for colour, name in zip(BRUSHES, first[1:], strict=True)
                    ]
                self.soften = gr.Slider(
                    0, 60, 8, step=1, label="Softness of edges, px of the photo"
                )
            with gr.Column(scale=1, min_width=320):
                self.picture = shown_picture("The picture", 480, "masked")
                with gr.Row():
                    self.look = gr.Button("Show", elem_id="show_mask")
                    self.whole = gr.Button("Paint in full size", variant="primary")
                    self.download = gr.DownloadButton(
                        "Download", interactive=False, elem_id="download_mask"
                    )
                    self.its_mask = gr.DownloadButton("Mask", interactive=False, elem_id="its_mask")
        self.again = Again.make()

    def fill(self, photo: str | None) -> Any:
        return self.to_draw_on(photo)

    def make(self, photo: str | None, cards: Any, drawn: Any, *given: Any, small: bool) -> Any:
        need(photo, "Choose a photo")
        *styles, soften = given
        folder = self.shared.new_folder()
        whole = files.open_rgb(photo, most_pixels=limits.most_pixels())  # type: ignore[arg-type]
        mask, used = mask_of_styles(drawn, styles, whole.size)
        mask.save(folder / "mask.png")
        recipe = BlendRecipe(
            photo=photo,  # type: ignore[arg-type]
            model=self.shared.engine.model,
            styles=",".join(used),
            mask=str(folder / "mask.png"),
            soften=soften,
        )
        output = folder / f"{pathlib.Path(photo).stem}_blend.png"  # type: ignore[arg-type]
        made = recipe.replace(max_side=PREVIEW) if small else recipe
        blend(made, output, network=self.shared.engine.painter(cards).styled)
        shown = recipe.replace(styles=self.shared.engine.in_files(recipe.styles, cards))
        return output, recipe, snippets.both("blend", shown, output.name)

    def show(self, *given: Any) -> Any:
        output, recipe, texts = self.make(*given, small=True)
        mask = gr.DownloadButton(value=recipe.mask, interactive=True)
        return np.asarray(images.open_rgb(output)), *texts, mask

    def paint(self, *given: Any) -> Any:
        output, recipe, texts = self.make(*given, small=False)
        mask = gr.DownloadButton(value=recipe.mask, interactive=True)
        return gr.DownloadButton(value=output, interactive=True), *texts, mask

    def offer(self, cards: Any) -> Any:
        return [gr.Dropdown(self.shared.names(cards)) for _ in range(1 + len(self.chosen))]

    def _connect(self) -> None:
        given = [
            self.shared.photo,
            self.shared.cards,
            self.editor,
            self.below,
            *self.chosen,
            self.soften,
        ]
        self.shared.photo.change(
            told(self.fill), self.shared.photo, self.editor, show_progress="hidden"
        )
        self.shared.cards.change(told(self.offer), self.shared.cards, [self.below, *self.chosen])
        self.look.click(
            told(self.show),
            given,
            [self.picture, *self.again.boxes, self.its_mask],
            show_progress_on=self.picture,
        )
        self.whole.click(
            told(self.paint),
            given,
            [self.download, *self.again.boxes, self.its_mask],
            show_progress_on=self.whole,
        )
