"""Keras and its backend, imported where they are needed, which takes seconds."""

import importlib.util
import os
import sys

from cin_style.errors import UserError


def load(purpose: str = "") -> None:
    """Imports Keras and its backend without what TensorFlow's libraries print as they load.

    They say that without regard to TF_CPP_MIN_LOG_LEVEL, on the bare file descriptor.

    Args:
        purpose: what needs them, for the message.

    Raises:
        UserError: they can't be imported, or it is a backend that cin_style was not made for.
    """
    if "keras" in sys.modules:
        _check()
        return
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    if not importlib.util.find_spec("tensorflow") and importlib.util.find_spec("jax"):
        os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        os.dup2(nothing, 2)
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        what = f"Keras, for {purpose}" if purpose else "Keras"
        raise UserError(
            f"cannot load {what}: {error}. Install a backend, such as pip install cin_style[cpu], "
            "or set KERAS_BACKEND to one that is installed."
        ) from error
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
    _check()


def _check() -> None:
    """Raises a `UserError` on a backend of Keras that nothing here was tried on."""
    name = sys.modules["keras"].backend.backend()
    if name not in ("tensorflow", "jax"):
        raise UserError(
            f"cin_style computes on TensorFlow or JAX, not on {name}. Set KERAS_BACKEND to "
            "tensorflow or jax, or leave it out."
        )
