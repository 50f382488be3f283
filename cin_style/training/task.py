"""What a run is for, and what it has when it is ready to take its steps."""

import abc
import dataclasses
import pathlib
from typing import Any, ClassVar

import keras
import numpy as np

from cin_style.styles.style import Style
from cin_style.training.batches import TrainingBatches
from cin_style.training.checkpoints import Checkpoint
from cin_style.training.devices import Devices
from cin_style.training.photos import Photos
from cin_style.training.recipes import RunRecipe
from cin_style.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """What a run is for: what it trains, on which data, and what becomes of it.

    Attributes:
        recipe: of the run.
    """

    recipe: RunRecipe

    # The verb, and the name of the file that the run ends with.
    KIND: ClassVar[str]
    RESULT: ClassVar[str]

    # Whether the sample photos do where the recipe names none.
    SAMPLES_DO: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def styles(self) -> tuple[Style, ...]:
        """The styles that the record of the run names."""

    @abc.abstractmethod
    def data(self) -> dict[str, Any]:
        """Fingerprints of what the recipe only names, besides photos and loss network."""

    @abc.abstractmethod
    def load(self, path: pathlib.Path) -> Any:
        """What a finished run ended with, of its file."""

    @abc.abstractmethod
    def make_trainer(
        self, photos: Photos, crops: np.ndarray | None, folder: RunFolder, new: bool
    ) -> tuple[Any, keras.Model]:
        """What the run learns from, and the model whose `fit` learns it.

        Args:
            photos: to train on.
            crops: float32 (count, size, size, 3) in [0, 1] of photos kept out of it, or `None`.
            folder: the run's.
            new: whether the run begins; if not, all weights come from its checkpoint.

        Returns:
            The material, which the task alone reads; and a model that is not compiled yet, whose
            `network` is what is trained.
        """

    @abc.abstractmethod
    def make_batches(self, prepared: "Prepared") -> TrainingBatches:
        """The batches of the steps that are left."""

    @abc.abstractmethod
    def previews(self, prepared: "Prepared") -> keras.callbacks.Callback | None:
        """What draws the preview sheets, if there are to be any."""

    @abc.abstractmethod
    def conclude(self, prepared: "Prepared") -> Any:
        """Measures what was trained, writes the result's file and returns the result."""


@dataclasses.dataclass
class Prepared:
    """A run that is ready to take its steps.

    Attributes:
        task, folder: as they say.
        material: what it learns from, see `Task.make_trainer`.
        devices: that the run computes on.
        home: the model that `Task.make_trainer` made, on one device; not compiled.
        trainer: the same on all devices, compiled, restored to where the run stopped. On one device
            they are one.
        checkpoint: the callback that writes what the run goes on from.
        start: steps done.
    """

    task: Task
    folder: RunFolder
    material: Any
    devices: Devices
    home: keras.Model
    trainer: keras.Model
    checkpoint: Checkpoint
    start: int

    def network_now(self) -> Any:
        """What is trained, as it is by now, on one device."""
        if self.home is not self.trainer:
            for mine, trained in zip(
                self.home.network.weights, self.trainer.network.weights, strict=True
            ):
                mine.assign(keras.ops.convert_to_numpy(trained))
        return self.home.network
