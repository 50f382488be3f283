"""Speed and memory of training and of painting, as one table.

    python train/benchmark.py [--image_size 256 --batch_size 8 --steps 10]

Each row is measured in a process of its own, so that one's memory does not count as the
other's. Weights are random, which changes nothing about the time. Images per second are of
the whole step (decoding excluded), after warm-up, the median over the steps; memory is the
accelerator's peak where there is one, else the process's peak.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time


def measure_training(precision, image_size, batch_size, num_styles, steps):
    """Seconds of the median training step, and what the process took at most, in MiB."""
    import keras
    import numpy as np

    from cin_style.network import StyleTransferNetwork
    from cin_style.objective import StyleObjective
    from cin_style.trainer import StyleTrainer
    from cin_style.vgg import VGG16

    rng = np.random.default_rng(0)
    network = StyleTransferNetwork([f"s{i}" for i in range(num_styles)], dtype=precision)
    layers = dict.fromkeys(("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"), 1e-4)
    loss_network = VGG16(layers, "random", dtype=precision)
    pictures = [rng.random((256, 256, 3), dtype="float32") for _ in range(num_styles)]
    trainer = StyleTrainer(network, StyleObjective(loss_network, pictures))
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    images = rng.random((batch_size, image_size, image_size, 3), dtype="float32")
    batch = images, rng.integers(num_styles, size=batch_size).astype("int32")
    times = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        trainer.train_on_batch(batch)
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times[2:]), "mib": peak_memory()}


def measure_painting(precision, side, steps):
    """Seconds of the median pastiche of one square photo, and the process's memory in MiB."""
    import numpy as np

    from cin_style.network import StyleTransferNetwork
    from cin_style.stylize import Stylizer

    stylizer = Stylizer(StyleTransferNetwork(["a", "b"]), dtype=precision)
    photo = np.random.default_rng(0).random((side, side, 3), dtype="float32")
    times = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        stylizer(photo, "a")
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times[2:]), "mib": peak_memory()}


def peak_memory():
    """Peak memory in MiB: the accelerator's where the backend tells, else the process's."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        statistics_ = jax.devices()[0].memory_stats()
        if statistics_:
            return statistics_["peak_bytes_in_use"] / 2**20
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def in_a_process(name, **arguments):
    """Runs one of the functions above in a fresh process and returns its result."""
    command = [sys.executable, __file__, "--only", name, json.dumps(arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    output = subprocess.run(
        command, check=True, env=environment, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(output.splitlines()[-1])


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image_size", type=int, default=256)
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--num_styles", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        name, values = arguments.only
        print(json.dumps(globals()[name](**json.loads(values))))
        return

    print(
        f"training: {arguments.image_size} px, batch {arguments.batch_size}, "
        f"{arguments.num_styles} styles; {os.cpu_count()} cores\n"
    )
    print("| precision | training, images/s | peak MiB | 512 px photo, ms | peak MiB |")
    print("|---|---|---|---|---|")
    speeds = {}
    for precision in ("float32", "mixed_bfloat16"):
        step = in_a_process(
            "measure_training",
            precision=precision,
            image_size=arguments.image_size,
            batch_size=arguments.batch_size,
            num_styles=arguments.num_styles,
            steps=arguments.steps,
        )
        paint = in_a_process("measure_painting", precision=precision, side=512, steps=5)
        speeds[precision] = arguments.batch_size / step["seconds"]
        print(
            f"| {precision} | {speeds[precision]:.1f} | {step['mib']:.0f} "
            f"| {paint['seconds'] * 1000:.0f} | {paint['mib']:.0f} |",
            flush=True,
        )
    print(f"\nmixed_bfloat16 is {speeds['mixed_bfloat16'] / speeds['float32']:.2f} x float32")


if __name__ == "__main__":
    main()
