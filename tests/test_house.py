"""The packages stand in one order, each imports only from those below it, and names are found."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import cin_style

ROOT = pathlib.Path(__file__).parent.parent
FOLDER = pathlib.Path(cin_style.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))

# What version 0.1.0 had at the root of the package.
ALWAYS = (
    "ConditionalInstanceNormalization EvaluateRecipe FinetuneRecipe OptimizeRecipe Recipe Style "
    "StyleCard StyleObjective StyleSet StyleTrainer StyleTransferNetwork Stylizer UserError VGG16 "
    "VGG19 finetune load save train"
).split()


def test_packages_import_only_from_those_below_them():
    """The order stands in setup.cfg; functions' own imports count as well."""
    # Apart, as it sets up the logging of its whole process.
    program = "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def imported(path):
    """The modules of cin_style that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize(
    "folder", [FOLDER, *sorted(path.parent for path in FOLDER.glob("*/__init__.py"))], ids=str
)
def test_inside_a_package_there_are_no_circles(folder):
    prefix = ".".join(("cin_style", *folder.relative_to(FOLDER).parts))
    names = {f"{prefix}.{path.stem}": path for path in folder.glob("*.py")}
    names = {name: path for name, path in names.items() if path.stem != "__init__"}
    above = {name: imported(path) & set(names) - {name} for name, path in names.items()}
    while above:
        free = [name for name, others in above.items() if not others & set(above)]
        assert free, f"a circle among {sorted(above)}"
        for name in free:
            del above[name]


def test_names_at_the_root():
    assert set(ALWAYS) <= set(cin_style.__all__)
    for name in cin_style.__all__:
        assert getattr(cin_style, name) is not None
    for verb in (
        "train",
        "finetune",
        "train_predictor",
        "stylize",
        "blend",
        "evaluate",
        "optimize",
        "photoreal",
        "composite",
        "export",
    ):
        parameters = importlib.import_module("inspect").signature(getattr(cin_style, verb))
        assert list(parameters.parameters)[:2] == ["recipe", "output"]
    assert cin_style.Recipe is cin_style.TrainRecipe
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = cin_style.no_such_name


@pytest.mark.parametrize(
    "package", ["cin_style", "cin_style.images", "cin_style.losses", "cin_style.networks"]
)
def test_type_checkers_see_the_lazy_names(package):
    path = FOLDER.parent / package.replace(".", "/") / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body for alias in node.names}
    assert seen == set(importlib.import_module(package).__all__)
    assert (FOLDER / "py.typed").is_file()


def test_functions_are_of_a_size_to_be_read():
    # Their length is that of an argument list or a table; nothing in them wants a name of its own.
    excused: set[str] = set()
    long = {
        f"{path.relative_to(FOLDER)}:{node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
    }
    assert long == excused


# What Keras calls, with the arguments that it says.
KERAS = set(
    "build call compute_loss compute_output_shape compute_output_spec get_config metrics "
    "update_step from_config __call__ __getitem__ num_batches on_train_begin on_train_end "
    "on_train_batch_end on_epoch_begin on_epoch_end".split()
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_public_functions_are_annotated(path):
    """mypy (make lint) checks what is annotated; this, that public functions are."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            functions += [child for child in node.body if isinstance(child, ast.FunctionDef)]
    for node in functions:
        if node.name.startswith("_") and node.name != "__init__" or node.name in KERAS:
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [one.arg for one in arguments if one.annotation is None]
        assert not set(bare) - {"self", "cls"}, f"{node.name}: {bare}"
        assert node.returns is not None, f"{node.name} does not say what it returns"


def test_the_readme_names_every_package():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*/__init__.py"):
        assert f"{path.parent.name}/" in text
