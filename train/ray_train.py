"""A training as a job of Ray Train, on as many machines or GPUs of a cluster as are asked for.

    pip install cin_style[jax,ray]
    python train/ray_train.py --workers 2 --gpu --output /shared/runs/mine -- \
        --flagfile=/shared/varied32.txt --content=/shared/photos --styles=/shared/paintings

What stands after `--` are options of `cin-style train`, but for `--output`, `--hosts` and
`--devices`. Each worker is a host of the run. When one dies Ray ends the others and begins them
again, and the run goes on from its checkpoint. Photos, styles and output lie where all machines
have them; the cluster is that of RAY_ADDRESS, or else of this machine alone.
"""

import argparse
import os

from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.v2.jax import JaxConfig, JaxTrainer


def work(options):
    """What each worker does, where Ray has joined the processes by `jax.distributed`."""
    from cin_style.commands import main

    hosts = ["--devices=auto", "--hosts=auto"]
    code = main.run(main.parse(["cin-style", "train", *options["options"], *hosts]))
    if code:
        raise RuntimeError(f"cin-style train ended with exit code {code}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1, help="how many hosts the run has")
    parser.add_argument("--gpu", action="store_true", help="with a GPU each")
    parser.add_argument("--failures", type=int, default=3, help="how many the job survives")
    parser.add_argument("--output", required=True, help="the run folder")
    parser.add_argument("options", nargs="+", help="of cin-style train, after --")
    arguments = parser.parse_args()
    output = os.path.abspath(arguments.output)
    platform = "cuda" if arguments.gpu else "cpu"
    JaxTrainer(
        work,
        train_loop_config={"options": [*arguments.options, f"--output={output}"]},
        jax_config=JaxConfig(use_gpu=True),  # processes are joined; on what, JAX_PLATFORMS says
        scaling_config=ScalingConfig(num_workers=arguments.workers, use_gpu=arguments.gpu),
        run_config=RunConfig(
            storage_path=f"{output}.ray",
            failure_config=FailureConfig(arguments.failures),
            worker_runtime_env={"env_vars": {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": platform}},
        ),
    ).fit()


if __name__ == "__main__":
    main()
