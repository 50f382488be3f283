"""The notebook runs from top to bottom, as a kernel would run it."""

import ast
import json
import pathlib

import pytest

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[2] / "train" / "notebooks").glob("*.ipynb"))


def run(source, names):
    """Runs a cell, and gives the value of its last line if that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return last and eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook(path, tmp_path, monkeypatch):
    (tmp_path / "styles").symlink_to(path.parents[2] / "styles")
    monkeypatch.chdir(tmp_path)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    names, shown = {}, 0
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]  # none are kept in the project
            value = run("".join(cell["source"]), names)
            for method in ("_repr_jpeg_", "_repr_png_"):
                if picture := getattr(value, method, lambda: None)():
                    assert len(picture) > 1000
                    shown += 1
                    break
    assert len(cells) >= 10 and shown >= 6
