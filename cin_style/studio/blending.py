"""The studio's tab of blends: two to four styles, and a pad to point between them."""

import html
import pathlib
from collections.abc import Sequence
from typing import Any

import gradio as gr

from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio import snippets
from cin_style.studio.drawn import shares
from cin_style.studio.engine import PREVIEW, QUICK
from cin_style.studio.parts import Again, Shared, need, told

_ASSETS = pathlib.Path(__file__).with_name("assets")
_FIRST = ("starry_night", "udnie", "composition_vii", "serape")


def build(shared: Shared) -> None:
    """Draws the tab."""
    engine = shared.engine
    names = shared.names(())
    known = [name for _, name in names]
    first = [name for name in _FIRST if name in known] or known[:2]
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            chosen = gr.Dropdown(
                names,
                value=first[:4],
                multiselect=True,
                max_choices=4,
                label="Two to four styles",
                elem_id="blended",
            )
            pad = gr.HTML(
                value={"x": 0.5, "y": 0.5, "names": _titles(names, first)},
                html_template=(_ASSETS / "pad.html").read_text(encoding="utf-8"),
                css_template=(_ASSETS / "pad.css").read_text(encoding="utf-8"),
                js_on_load=(_ASSETS / "pad.js").read_text(encoding="utf-8"),
                elem_id="pad",
            )
            parts = gr.Label(label="Shares", num_top_classes=4)
            with gr.Row():
                whole = gr.Button("Paint in full size", variant="primary")
                download = gr.DownloadButton("Download", interactive=False)
        with gr.Column(scale=3, min_width=320):
            picture = gr.Image(
                label="The blend",
                alt_text="The blend",
                interactive=False,
                buttons=["fullscreen"],
                height=520,
                elem_id="blend",
            )
    again = Again.make()

    def recipe(photo: str | None, chosen: Sequence[str], place: Any) -> StylizeRecipe:
        need(photo, "Choose a photo")
        text = ",".join(f"{name}={share:g}" for name, share in shares(chosen, place).items())
        return StylizeRecipe(photos=[photo], model=engine.model, style=text)  # type: ignore[arg-type]

    def follow(photo: str | None, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        if not photo:
            return gr.skip()
        # As it is, without another copy for the size of strokes: at once.
        asked = recipe(photo, chosen, place).replace(stroke_size=0.0)
        return engine.preview(asked, cards, QUICK), _titled(shared, cards, chosen, place)

    def rest(photo: str | None, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        if not photo:
            return gr.skip()
        asked = recipe(photo, chosen, place)
        output = f"{pathlib.Path(asked.photos[0]).stem}_blend.png"
        return (
            engine.preview(asked, cards, PREVIEW),
            _titled(shared, cards, chosen, place),
            snippets.command("stylize", asked, output),
            snippets.python("stylize", asked, output),
            gr.DownloadButton(interactive=False),
        )

    def paint(photo: str | None, cards: Any, chosen: Sequence[str], place: Any) -> Any:
        path = engine.paint(recipe(photo, chosen, place), shared.new_folder(), cards)
        return gr.DownloadButton("Download", value=path, interactive=True)

    def rename(cards: Any, chosen: Sequence[str], place: Any) -> Any:
        return {**place, "names": _titles(shared.names(cards), chosen)}

    def offer(cards: Any) -> Any:
        return gr.Dropdown(shared.names(cards))

    given = [shared.photo, shared.cards, chosen, pad]
    shown = [picture, parts, *again.boxes, download]
    shared.cards.change(told(offer), shared.cards, chosen)
    chosen.change(told(rename), [shared.cards, chosen, pad], pad, show_progress="hidden")
    pad.input(
        told(follow),
        given,
        [picture, parts],
        trigger_mode="always_last",
        show_progress="hidden",
        queue=False,
    )
    gr.on(
        [pad.release, chosen.change, shared.photo.change],
        told(rest),
        given,
        shown,
        trigger_mode="always_last",
        show_progress="hidden",
    )
    whole.click(told(paint), given, download, show_progress_on=whole)


def _titles(names: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[str]:
    titles = {name: title for title, name in names}
    return [html.escape(titles.get(name, name)) for name in chosen]


def _titled(shared: Shared, cards: Any, chosen: Sequence[str], place: Any) -> dict[str, float]:
    titles = _titles(shared.names(cards), chosen)
    return dict(zip(titles, shares(chosen, place).values(), strict=True))
