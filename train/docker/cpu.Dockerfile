# Painting and training on any CPU. From the project's root:
#
#   docker build -f train/docker/cpu.Dockerfile -t cin_style .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" cin_style \
#     stylize --style udnie photo.jpg --output painted.png
FROM python:3.11-slim

WORKDIR /opt/cin_style
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY cin_style cin_style
# Which versions go together, setup.cfg says.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ".[cpu,onnx]"

# For whoever it is run as.
ENV HOME=/tmp
WORKDIR /work
ENTRYPOINT ["cin-style"]
