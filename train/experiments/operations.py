"""What a training step computes: the arithmetic behind estimates for chips that nobody has here.

    KERAS_BACKEND=jax python train/experiments/operations.py --batch_size 16 --image_size 256

Counts the floating-point operations of a step of `varied32` (32 styles, default losses) as XLA
does, and says what a chip of so many TFLOP/s would take at a share of its peak.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import numpy as np

from cin_style import StyleTransferNetwork, TrainRecipe
from cin_style.losses.from_recipe import make_objective
from cin_style.training.optimizer import make_optimizer
from cin_style.training.recipes import margin_of
from cin_style.training.trainer import StyleTrainer


def operations(batch_size, image_size, num_styles=32):
    """Floating-point operations of a training step."""
    recipe = TrainRecipe(batch_size=batch_size, image_size=image_size, vgg_weights="random")
    pictures = [np.zeros((64, 64, 3), "float32") for _ in range(num_styles)]
    network = StyleTransferNetwork([f"s{index}" for index in range(num_styles)])
    trainer = StyleTrainer(network, make_objective(recipe, pictures, margin=margin_of(recipe)))
    trainer.compile(optimizer=make_optimizer(recipe))
    trainer.optimizer.build(trainer.trainable_variables)
    groups = ("trainable", "non_trainable", "optimizer", "metrics")
    state = trainer._get_jax_state(**{f"{group}_variables": True for group in groups})
    photos = np.zeros((batch_size, image_size, image_size, 3), "float32")
    batch = ((photos, np.zeros(batch_size, "int32")),)
    return jax.jit(trainer.train_step).lower(state, batch).cost_analysis()["flops"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--image_size", type=int, default=256)
    parser.add_argument("--tflops", type=float, default=1.0, help="of the chip")
    parser.add_argument("--share", type=float, default=1.0, help="of its peak")
    arguments = parser.parse_args()
    count = operations(arguments.batch_size, arguments.image_size)
    rate = arguments.tflops * 1e12 * arguments.share / count
    print(f"{count / 1e12:.3f} TFLOP a step; {rate:.3g} steps a second")


if __name__ == "__main__":
    main()
