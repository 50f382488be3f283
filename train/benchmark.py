"""Speed and memory of training, painting, fine-tuning and blending.

    python train/benchmark.py [--image_size 256 --batch_size 4 --steps 10 --upsampling bilinear]

Each row is measured in a process of its own, so that one's memory does not count as the
other's. Weights are random, which changes nothing about the time. Images per second are of
the step without the decoding of photos, after warm-up, the median over the steps; memory is the
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


def measure_training(
    precision, upsampling, image_size, batch_size, num_styles, steps, finetuning=False
):
    """Seconds of the median training step, and what the process took at most, in MiB."""
    import keras
    import numpy as np

    from cin_style.losses.objective import StyleObjective
    from cin_style.losses.vgg import VGG16
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.training.trainer import StyleTrainer

    rng = np.random.default_rng(0)
    network = StyleTransferNetwork(
        [f"s{i}" for i in range(num_styles)], upsampling=upsampling, dtype=precision
    )
    if finetuning:
        for layer in network.convolutions:
            layer.trainable = False
    layers = dict.fromkeys(("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"), 1e-4)
    loss_network = VGG16(layers, "random", dtype=precision)
    pictures = [rng.random((256, 256, 3), dtype="float32") for _ in range(num_styles)]
    objective = StyleObjective(
        loss_network, pictures, content_layers={"block3_conv3": 1.0}, style_layers=layers
    )
    trainer = StyleTrainer(network, objective)
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    images = rng.random((batch_size, image_size, image_size, 3), dtype="float32")
    batch = images, rng.integers(num_styles, size=batch_size).astype("int32")
    seconds = median_seconds(lambda: trainer.train_on_batch(batch), steps)
    return {"seconds": seconds, "mib": peak_memory()}


def measure_painting(precision, upsampling, side, steps):
    """Seconds of the median pastiche of one square photo, and the process's memory in MiB."""
    import numpy as np

    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.painting.stylizer import Stylizer

    network = StyleTransferNetwork(["a", "b"], upsampling=upsampling)
    stylizer = Stylizer(network, dtype=precision)
    photo = np.random.default_rng(0).random((side, side, 3), dtype="float32")
    return {"seconds": median_seconds(lambda: stylizer(photo, "a"), steps), "mib": peak_memory()}


def measure_many_styles(num_styles, side, steps):
    """Seconds to load a network of so many styles, and of a blend of two of them."""
    import pathlib
    import tempfile

    import numpy as np

    from cin_style.networks import storage
    from cin_style.networks.style_transfer import StyleTransferNetwork
    from cin_style.painting.stylizer import Stylizer

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        storage.save(StyleTransferNetwork([f"s{i}" for i in range(num_styles)]), path)
        start = time.perf_counter()
        stylizer = Stylizer(path, runtime="keras")
        load = time.perf_counter() - start
    photo = np.random.default_rng(0).random((side, side, 3), dtype="float32")
    blend = {"s0": 0.7, f"s{num_styles - 1}": 0.3}
    return {"load": load, "seconds": median_seconds(lambda: stylizer(photo, blend), steps)}


def measure_data(image_size, batch_size, steps):
    """Examples per second that the data room makes from photos of 512 x 384 px."""
    import pathlib
    import tempfile

    import numpy as np
    from PIL import Image

    from cin_style.training.batches import TrainingBatches
    from cin_style.training.photos import open_photos

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(64):
            small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            photo = small.resize((512, 384), Image.Resampling.BICUBIC)
            photo.save(pathlib.Path(folder, f"{index}.jpg"), quality=92)
        batches = TrainingBatches(open_photos(folder), 8, batch_size, image_size)
        batches[0]
        start = time.perf_counter()
        for step in range(1, steps + 1):
            batches[step]
        return {"examples": steps * batch_size / (time.perf_counter() - start)}


def median_seconds(call, steps):
    """The median time of `steps` calls, after two that don't count."""
    times = []
    for _ in range(steps + 2):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


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
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--num_styles", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--upsampling", choices=("nearest", "bilinear"), default="nearest")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        name, values = arguments.only
        print(json.dumps(globals()[name](**json.loads(values))))
        return

    size = {
        "upsampling": arguments.upsampling,
        "image_size": arguments.image_size,
        "batch_size": arguments.batch_size,
        "num_styles": arguments.num_styles,
        "steps": arguments.steps,
    }
    print(
        f"{arguments.image_size} px, batch {arguments.batch_size}, {arguments.num_styles} styles, "
        f"{arguments.upsampling} upsampling, {os.cpu_count()} cores\n"
    )
    print("| precision | training, images/s | peak MiB | 512 px photo, ms | peak MiB |")
    print("|---|---|---|---|---|")
    steps = {}
    for precision in ("float32", "mixed_bfloat16"):
        steps[precision] = in_a_process("measure_training", precision=precision, **size)
        paint = in_a_process(
            "measure_painting",
            precision=precision,
            upsampling=arguments.upsampling,
            side=512,
            steps=9,
        )
        print(
            f"| {precision} | {arguments.batch_size / steps[precision]['seconds']:.1f} "
            f"| {steps[precision]['mib']:.0f} | {paint['seconds'] * 1000:.0f} "
            f"| {paint['mib']:.0f} |",
            flush=True,
        )
    ratio = steps["float32"]["seconds"] / steps["mixed_bfloat16"]["seconds"]
    print(f"\nA training step in mixed_bfloat16 is {ratio:.2f} times as fast as in float32.")

    rate = in_a_process("measure_data", image_size=arguments.image_size, batch_size=16, steps=40)
    print(f"Decoding and cropping gives {rate['examples']:.0f} examples/s.")
    tuning = in_a_process("measure_training", precision=precision, finetuning=True, **size)
    print(
        f"A fine-tuning step takes {tuning['seconds'] / steps[precision]['seconds']:.2f} of a "
        f"training step's time and {tuning['mib'] / steps[precision]['mib']:.2f} of its memory "
        f"({precision})."
    )
    few, many = (
        in_a_process("measure_many_styles", num_styles=count, side=512, steps=9)
        for count in (8, 10_000)
    )
    print(
        f"With 10,000 styles a blend takes {many['seconds'] / few['seconds']:.3f} of the time with "
        f"8 ({few['seconds'] * 1000:.0f} ms), and loading {many['load'] - few['load']:.2f} s more."
    )


if __name__ == "__main__":
    main()
