"""The command line and the Python that the studio shows."""

import shlex

import pytest

import cin_style
from cin_style.commands import blend, composite, main, options, photoreal, stylize
from cin_style.studio import snippets

RECIPES = [
    (
        "stylize",
        stylize,
        cin_style.StylizeRecipe(
            photos=["/x/a b.jpg"], style="starry_night=0.3,udnie=0.7", strength=0.4, tile="off"
        ),
    ),
    ("blend", blend, cin_style.BlendRecipe(photo="/x/'q'.png", styles="a,b", mask="/y/m.png")),
    ("photoreal", photoreal, cin_style.PhotorealRecipe(content="/x/a.jpg", style="/x/$b.jpg")),
    ("composite", composite, cin_style.CompositeRecipe(object="/o.png", into="/i.jpg", steps=0)),
]


@pytest.mark.parametrize("name,command,recipe", RECIPES, ids=[name for name, *_ in RECIPES])
def test_the_command_line_makes_the_recipe_again(name, command, recipe):
    text = snippets.command(name, recipe, "out.png")
    words = shlex.split(text)
    arguments = main.parse(words)
    assert words[:2] == ["cin-style", name] and arguments.output == "out.png"
    again = options.recipe(arguments, type(recipe))
    assert snippets.command(name, again, "out.png") == text
    assert "/x/" not in text  # where a visitor's files lie here


@pytest.mark.parametrize("name,command,recipe", RECIPES, ids=[name for name, *_ in RECIPES])
def test_the_python_makes_the_recipe_again(name, command, recipe, monkeypatch):
    given = []
    monkeypatch.setattr(cin_style, name, lambda *arguments: given.append(arguments))
    text = snippets.python(name, recipe, "out.png")
    exec(text, {})
    (made, output), *_ = given
    assert output == "out.png" and type(made) is type(recipe)
    assert snippets.python(name, made, "out.png") == text
