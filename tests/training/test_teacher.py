"""Distillation: a smaller network learns to paint what a trained one paints."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from cin_style.errors import UserError
from cin_style.networks import storage
from cin_style.networks.style_transfer import StyleTransferNetwork
from cin_style.training.recipes import TrainRecipe
from cin_style.training.teacher import Teacher
from cin_style.training.train import train


@pytest.fixture
def network():
    """A network of three styles that differ much."""
    network = StyleTransferNetwork(["a", "b", "c"], (4, 6), 1)
    noise = np.random.default_rng(0).normal(0, 1, (3, network.embedding_size))
    network.set_style_embeddings(noise.astype("float32"))
    return network


def test_it_paints_what_the_network_paints_in_the_order_of_the_names(network):
    teacher = Teacher(network, ["c", "a"], 2.0, "float32")
    photos = np.random.default_rng(1).random((3, 20, 24, 3), "float32")
    wanted = network([photos, np.eye(3, dtype="float32")[[0, 2, 0]]])
    found = teacher([photos, np.int32([1, 0, 1])])
    np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(wanted), atol=1e-5)
    assert not teacher.trainable_variables


def test_its_loss_is_the_weighted_mean_square_within_the_margin(network):
    teacher = Teacher(network, ["a"], 2.0, "float32")
    one, two = np.zeros((1, 8, 8, 3), "float32"), np.full((1, 8, 8, 3), 0.5, "float32")
    two[:, :2] = 9.0  # not looked at
    np.testing.assert_allclose(ops.convert_to_numpy(teacher.loss(one, two, 2)), [0.5])


def test_it_can_teach_its_own_styles_only(network):
    with pytest.raises(UserError, match="`teacher` has no style d, e"):
        Teacher(network, ["a", "d", "e"], 1.0, "float32")


def test_a_smaller_network_comes_to_paint_like_its_teacher(train_recipe, finished_run, tmp_path):
    """Without content and style losses, all that is learned is the teacher's."""
    noise = np.random.default_rng(3)
    taught = storage.load(finished_run / "model.keras")
    taught.set_style_embeddings(
        taught.get_style_embeddings() + noise.normal(0, 1, (2, 3206)).astype("float32")
    )
    storage.save(taught, tmp_path / "teacher.keras")
    recipe = train_recipe.replace(
        teacher=str(tmp_path / "teacher.keras"),
        teacher_weight=1e3,
        content_weight=0.0,
        style_weight=0.0,
        widths="8,12",
        residual_blocks=1,
        steps=60,
        checkpoint_every=30,
        preview_every=0,
        learning_rate=1e-2,
        margin=0,
    )
    student = train(recipe, tmp_path / "run")
    assert (student.widths, student.residual_blocks) == ((8, 12), 1)
    text = (tmp_path / "run" / "losses.csv").read_text()
    header, *lines = [line.split(",") for line in text.splitlines()]
    losses = [float(line[header.index("teacher_loss")]) for line in lines]
    assert losses[-1] < 0.6 * losses[0]
    # Another teacher makes another run, wherever it lies.
    other = recipe.replace(teacher=str(finished_run / "model.keras"))
    with pytest.raises(UserError, match="a run with `teacher`="):
        train(other, tmp_path / "run")
    storage.save(storage.load(other.teacher), tmp_path / "teacher.keras")
    with pytest.raises(UserError, match="`teacher`"):
        train(recipe, tmp_path / "run")


def test_what_does_not_go_with_the_recipe_is_said_before_anything_is_begun(
    network, train_recipe, finished_run, tmp_path
):
    storage.save(network, tmp_path / "other.keras")
    other = str(tmp_path / "other.keras")
    with pytest.raises(UserError, match="`teacher` has no style "):
        train(train_recipe.replace(teacher=other, teacher_weight=1.0), tmp_path / "run")
    with pytest.raises(
        UserError, match="`init_from` is a network of `widths=4,6` and `residual_bl"
    ):
        train(train_recipe.replace(init_from=other), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_its_form_is_checked_with_the_recipe():
    assert TrainRecipe(widths="16, 32,64").channels == (16, 32, 64)
    with pytest.raises(UserError, match="`widths` must be whole numbers with commas"):
        TrainRecipe(widths="16;32")
    with pytest.raises(UserError, match="`widths` must be 1 to 8 whole numbers"):
        TrainRecipe(widths="0,3")
    assert dataclasses.asdict(TrainRecipe())["teacher"] == ""
