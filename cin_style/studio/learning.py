"""The studio's tab for a style of one's own: predicted at once, then learned better."""

import concurrent.futures
import contextlib
import html
import pathlib
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np

from cin_style import images
from cin_style.errors import UserError
from cin_style.images.samples import sample_photos
from cin_style.networks.cards import StyleCard
from cin_style.painting.recipes import StylizeRecipe
from cin_style.studio import snippets
from cin_style.studio.engine import Cards, Engine
from cin_style.studio.parts import Again, Shared, Tab, need, shown_picture, told, upload
from cin_style.training.recipes import FinetuneRecipe

# Steps of fine-tuning between one preview and the next.
_EVERY = 10

# How long side of what grows, in px.
_SIDE = 512


class OwnStyleTab(Tab):
    """A style of one's own: predicted at once, then learned better."""

    def _draw(self) -> None:
        self.mine = gr.State("")
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                self.painting = upload("A painting", 260, "painting")
                self.steps = gr.Radio(
                    [("30 steps", 30), ("100 steps", 100), ("300 steps", 300)],
                    value=30,
                    label="Learn it better",
                    elem_id="steps",
                )
                with gr.Row():
                    self.learn = gr.Button("Learn", variant="primary", elem_id="learn")
                    self.cancel = gr.Button("Cancel", variant="stop", elem_id="cancel")
                with gr.Row():
                    self.save = gr.DownloadButton(
                        "Save its card", interactive=False, elem_id="save_card"
                    )
                    self.load = gr.UploadButton(
                        "Load a card", file_types=[".npz"], elem_id="load_card"
                    )
            with gr.Column(scale=2, min_width=320):
                self.said = gr.HTML(
                    "Drop a painting: your photo takes its style at once.", elem_id="said"
                )
                self.picture = shown_picture("Your photo in this style", 480, "own")
        self.again = Again.make()

    def predict(self, photo: str | None, cards: Cards, path: str | None) -> Any:
        if not path:
            return gr.skip()
        embedding = self.shared.engine.stylizer.predict(path)
        card = self.shared.engine.new_card(_style_name(path), embedding, cards)
        name = card.style.name
        recipe = StylizeRecipe(photos=[photo or "photo.jpg"], style_image=path)  # type: ignore[arg-type]
        text = f"{_bold(name)}, as the predictor sees it. It now stands in the gallery as well."
        return (
            (*cards, card),
            name,
            text,
            _look(self.shared.engine, photo, card),
            *snippets.both("stylize", recipe, f"{name}.png"),
            gr.DownloadButton(value=_saved(self.shared, card), interactive=True),
        )

    def better(
        self,
        photo: str | None,
        cards: Cards,
        name: str,
        path: str | None,
        steps: int,
        request: gr.Request,
    ) -> Iterator[Any]:
        path = need(name and path, "Drop a painting")
        recipe = to_learn(path, steps).replace(model=self.shared.engine.model)
        texts = snippets.both("finetune", recipe, f"runs/{name}")
        stop = self.shared.stops.new(request.session_hash)
        step, card = 0, None
        begun = f"{_bar(0, steps)} {_bold(name)}: about to learn"
        yield gr.skip(), begun, gr.skip(), *texts, gr.skip()
        for step, card in learned(self.shared.engine, path, name, steps, stop):
            done = f"{_bar(step, steps)} {_bold(name)}: step {step} of {steps}"
            yield gr.skip(), done, _look(self.shared.engine, photo, card), *texts, gr.skip()
        if card is None:
            yield gr.skip(), f"{_bold(name)} stays as it was.", gr.skip(), *texts, gr.skip()
            return
        others = tuple(one for one in cards if one.style.name != name)
        yield (
            (*others, card),
            f"{_bold(name)}, {'learned' if step == steps else f'after {step} steps'}.",
            _look(self.shared.engine, photo, card),
            *texts,
            gr.DownloadButton(value=_saved(self.shared, card), interactive=True),
        )

    def read(self, photo: str | None, cards: Cards, path: str) -> Any:
        card = StyleCard.load(path)
        if card.fingerprint != self.shared.engine.stylizer.styled.fingerprint:
            raise UserError(f"This card belongs to another network ({card.network or 'unknown'}).")
        card = self.shared.engine.new_card(card.style.name, card.embedding, cards)
        text = f"{_bold(card.style.name)}, from its card."
        return (*cards, card), card.style.name, text, _look(self.shared.engine, photo, card)

    def _connect(self) -> None:
        self.painting.change(
            told(self.predict),
            [self.shared.photo, self.shared.cards, self.painting],
            [self.shared.cards, self.mine, self.said, self.picture, *self.again.boxes, self.save],
            show_progress_on=self.picture,
        )
        self.learn.click(
            told(self.better),
            [self.shared.photo, self.shared.cards, self.mine, self.painting, self.steps],
            [self.shared.cards, self.said, self.picture, *self.again.boxes, self.save],
            show_progress="minimal",
            show_progress_on=self.said,
            concurrency_id="learning",
        )
        self.cancel.click(self.shared.stops.stop, queue=False)
        self.load.upload(
            told(self.read),
            [self.shared.photo, self.shared.cards, self.load],
            [self.shared.cards, self.mine, self.said, self.picture],
        )


def to_learn(path: str, steps: int) -> FinetuneRecipe:
    """What fine-tuning a painting's style takes, of which nothing is shown but the style itself."""
    return FinetuneRecipe(
        styles=[path],  # type: ignore[arg-type]
        steps=steps,
        checkpoint_every=min(_EVERY, steps),
        preview_every=0,
        holdout=0,
    )


def learned(
    engine: Engine, path: str, name: str, steps: int, stop: threading.Event
) -> Iterator[tuple[int, StyleCard]]:
    """Fine-tunes a style, and gives its card every few steps, the last one learned to the end.

    Args:
        engine: whose network gets the style.
        path: the painting.
        name: of the style.
        steps: in all.
        stop: ends it where it is.

    Raises:
        UserError: see `finetune`.
    """
    from cin_style.studio.watcher import StoppedError, finetune_watched

    found: queue.Queue[tuple[int, np.ndarray]] = queue.Queue()
    with tempfile.TemporaryDirectory() as folder:
        own = pathlib.Path(folder, f"{name}{pathlib.Path(path).suffix}")
        shutil.copyfile(path, own)
        recipe = to_learn(str(own), steps)
        styled = engine.stylizer.styled
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            done = pool.submit(
                finetune_watched,
                recipe,
                pathlib.Path(folder, "run"),
                engine.stylizer.network,
                found.put,
                stop,
            )
            try:
                while not (done.done() and found.empty()):
                    try:
                        step, embedding = found.get(timeout=0.2)
                    except queue.Empty:
                        continue
                    yield step, StyleCard(name, embedding, styled.fingerprint, styled.origin)
            finally:
                stop.set()  # where nobody looks any more
            with contextlib.suppress(StoppedError):
                done.result()


def _style_name(path: str) -> str:
    """A name for a style of a file."""
    stem = re.sub(r"[^a-z0-9]+", "_", pathlib.Path(path).stem.lower()).strip("_")
    return stem[:60] or "my_style"


def _bold(name: str) -> str:
    return f"<b>{html.escape(name)}</b>"


def _bar(step: int, steps: int) -> str:
    return f'<progress value="{step}" max="{steps}" aria-label="steps"></progress>'


def _look(engine: Engine, photo: str | None, card: StyleCard) -> np.ndarray:
    """The visitor's photo, or a sample, in the style of a card."""
    pixels: Any = engine.photo(photo, _SIDE) if photo else sample_photos()["coffee"]
    return images.to_uint8(engine.stylizer(pixels, embedding=card.embedding))


def _saved(shared: Shared, card: StyleCard) -> pathlib.Path:
    path = shared.new_folder() / f"{card.style.name}.style.npz"
    card.save(path)
    return path
