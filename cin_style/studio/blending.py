"""The studio's tab of blends: two to four styles, and a pad to point between them."""

import html
import pathlib
from collections.abc import Sequence
from typing import Any

import gradio as gr

from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio import snippets
from cin_style.studio.drawn import shares
from cin_style.studio.engine import PREVIEW
from cin_style.studio.parts import Again, Shared, Tab, need, shown_picture, told

_ASSETS = pathlib.Path(__file__).with_name("assets")
NAME = "Blend"
_FIRST = ("starry_night", "udnie", "composition_vii", "serape")


class BlendTab(Tab):
    """Two to four styles, and a pad to point between them."""

    def _draw(self) -> None:
        names = self.shared.names(())
        known = [name for _, name in names]
        first = [name for name in _FIRST if name in known] or known[:2]
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                self.chosen = gr.Dropdown(
                    names,
                    value=first[:4],
                    multiselect=True,
                    max_choices=4,
                    label="Two to four styles",
                    elem_id="blended",
                )
                self.pad = gr.HTML(
                    value={
                        "x": 0.5,
                        "y": 0.5,
                        "names": list(map(html.escape, _titles(names, first))),
                    },
                    html_template=(_ASSETS / "pad.html").read_text(encoding="utf-8"),
                    css_template=(_ASSETS / "pad.css").read_text(encoding="utf-8"),
                    js_on_load=(_ASSETS / "pad.js").read_text(encoding="utf-8"),
                    elem_id="pad",
                )
                self.parts = gr.Label(label="Shares", num_top_classes=4)
                with gr.Row():
                    self.whole = gr.Button("Paint in full size", variant="primary")
                    self.download = gr.DownloadButton("Download", interactive=False)
            with gr.Column(scale=3, min_width=320):
                self.picture = shown_picture("The blend", 520, "blend")
        self.again = Again.make()

    def recipe(self, photo: str | None, chosen: Sequence[str], place: Any) -> StylizeRecipe:
        need(photo, "Choose a photo")
        text = ",".join(f"{name}={share:g}" for name, share in shares(chosen, place).items())
        return StylizeRecipe(photos=[photo], model=self.shared.engine.model, style=text)  # type: ignore[arg-type]

    def follow(self, photo: str | None, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        if not photo:
            return gr.skip()
        said = _titled(self.shared, cards, chosen, place)
        return self.shared.engine.between(photo, chosen, place, cards), said

    def rest(
        self, tab: str, photo: str | None, cards: Any, chosen: Sequence[str], place: Any
    ) -> Any:
        if not (photo and tab == NAME):
            return gr.skip()
        asked = self.recipe(photo, chosen, place)
        output = f"{pathlib.Path(asked.photos[0]).stem}_blend.png"
        shown = asked.replace(style=self.shared.engine.in_files(asked.style, cards))
        return (
            self.shared.engine.preview(asked, cards, PREVIEW),
            _titled(self.shared, cards, chosen, place),
            *snippets.both("stylize", shown, output),
            gr.DownloadButton(interactive=False),
        )

    def get_ready(self, tab: str, photo: str | None, cards: Any, chosen: Sequence[str]) -> None:
        if photo and tab == NAME:
            self.shared.engine.between(photo, chosen, {"x": 0, "y": 0}, cards)

    def paint(self, photo: str | None, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        path = self.shared.engine.paint(
            self.recipe(photo, chosen, place), self.shared.new_folder(), cards
        )
        return gr.DownloadButton("Download", value=path, interactive=True)

    def rename(self, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        titles = _titles(self.shared.names(cards), chosen)
        return {**place, "names": [html.escape(title) for title in titles]}

    def offer(self, cards: Any) -> Any:
        return gr.Dropdown(self.shared.names(cards))

    def _connect(self) -> None:
        given = [self.shared.photo, self.shared.cards, self.chosen, self.pad]
        shown = [self.picture, self.parts, *self.again.boxes, self.download]
        self.shared.cards.change(told(self.offer), self.shared.cards, self.chosen)
        self.chosen.change(
            told(self.rename),
            [self.shared.cards, self.chosen, self.pad],
            self.pad,
            show_progress="hidden",
        )
        self.pad.input(
            told(self.follow),
            given,
            [self.picture, self.parts],
            trigger_mode="always_last",
            show_progress="hidden",
            queue=False,
        )
        resting = gr.on(
            [
                self.pad.release,
                self.chosen.change,
                self.shared.photo.change,
                self.shared.tab.change,
            ],
            told(self.rest),
            [self.shared.tab, *given],
            shown,
            trigger_mode="always_last",
            show_progress="hidden",
        )
        # For when the pointer moves.
        resting.then(told(self.get_ready), [self.shared.tab, *given[:-1]], show_progress="hidden")
        self.whole.click(told(self.paint), given, self.download, show_progress_on=self.whole)


def _titles(names: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[str]:
    titles = {name: title for title, name in names}
    return [titles.get(name, name) for name in chosen]


def _titled(shared: Shared, cards: Any, chosen: Sequence[str], place: Any) -> dict[str, float]:
    titles = _titles(shared.names(cards), chosen)
    return dict(zip(titles, shares(chosen, place).values(), strict=True))
