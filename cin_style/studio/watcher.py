"""Fine-tuning that can be looked at, and stopped, from another thread."""

import pathlib
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.training.finetune import finetune
from cin_style.training.recipes import FinetuneRecipe


class StoppedError(Exception):
    """Ends a training from inside."""


class Watcher(keras.callbacks.Callback):
    """Tells what the first style has become, and looks whether to stop.

    Args:
        tell: called at every checkpoint with the steps so far and the style's embedding.
        stop: ends the training with a `StoppedError` once it is set.
    """

    def __init__(
        self, tell: Callable[[tuple[int, np.ndarray]], object], stop: threading.Event
    ) -> None:
        super().__init__()
        self._tell, self._stop, self._step = tell, stop, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        if self._stop.is_set():
            raise StoppedError

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._tell((self._step, self.model.network.get_style_embeddings()[0]))


def finetune_watched(
    recipe: FinetuneRecipe,
    output: pathlib.Path,
    network: StyleTransferNetwork,
    tell: Callable[[tuple[int, np.ndarray]], object],
    stop: threading.Event,
) -> None:
    """`finetune`, with a `Watcher`; raises `StoppedError` where it was stopped."""
    finetune(recipe, output, network=network, watchers=[Watcher(tell, stop)])
