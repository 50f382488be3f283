# Training and painting on NVIDIA GPUs with JAX, whose wheels bring CUDA's libraries; the machine
# needs a driver for CUDA 12 and NVIDIA's container toolkit. From the project's root:
#
#   docker build -f train/docker/cuda.Dockerfile -t cin_style:cuda .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/work" cin_style:cuda \
#     train --devices auto --styles paintings --content photos --output runs/mine
FROM python:3.11-slim

WORKDIR /opt/cin_style
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY cin_style cin_style
# Which versions go together, setup.cfg says.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ".[jax]" "jax[cuda12]"

ENV KERAS_BACKEND=jax
# For whoever it is run as.
ENV HOME=/tmp
WORKDIR /work
ENTRYPOINT ["cin-style"]
