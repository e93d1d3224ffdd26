"""The stub of the native module and the built module name the same things, with the same parameters."""

import ast
import inspect
from pathlib import Path

import pytest

from ferrolite import _core

STUB = Path(__file__).parents[2] / "python" / "ferrolite" / "_core.pyi"
TREE = ast.parse(STUB.read_text(encoding="utf-8"))
# What an object has because it is an object, or a module because it is one.
IGNORED = {"__all__", "__doc__", "__module__", "__new__", "__init__"}


def in_stub(body):
    """Names of a body, with their nodes."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
    return found


def is_property(node):
    return any(isinstance(name, ast.Name) and name.id == "property" for name in node.decorator_list)


def stub_parameters(node):
    given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    assert not node.args.kwonlyargs, f"{node.name}: teach this test about keyword-only parameters"
    first_default = len(given) - len(node.args.defaults)
    defaults = [ast.literal_eval(default) for default in node.args.defaults]
    return [
        (name, defaults[at - first_default] if at >= first_default else inspect.Parameter.empty)
        for at, name in enumerate(given)
        if name not in ("self", "cls")
    ]


def built_parameters(value):
    signature = inspect.signature(value)
    return [(name, given.default) for name, given in signature.parameters.items() if name != "self"]


CLASSES = {name: node for name, node in in_stub(TREE.body).items() if isinstance(node, ast.ClassDef)}
FUNCTIONS = {name: node for name, node in in_stub(TREE.body).items() if isinstance(node, ast.FunctionDef)}


def test_the_module_has_the_names_of_the_stub():
    built = {name for name in dir(_core) if not name.startswith("__")}
    assert built == set(in_stub(TREE.body))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_parameters_of_the_stub(name):
    assert built_parameters(getattr(_core, name)) == stub_parameters(FUNCTIONS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_the_members_of_the_stub(name):
    built = vars(getattr(_core, name))
    stub = in_stub(CLASSES[name].body)
    assert {member for member in built if member not in IGNORED} == {m for m in stub if m not in IGNORED}
    for member, node in stub.items():
        if member in IGNORED:
            continue
        assert inspect.isgetsetdescriptor(built[member]) == is_property(node), member
        if not is_property(node):
            assert built_parameters(built[member]) == stub_parameters(node), member


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_made_as_the_stub_says(name):
    cls = getattr(_core, name)
    new = in_stub(CLASSES[name].body).get("__new__")
    if new is None:
        with pytest.raises(TypeError):
            cls()
    else:
        given = [argument for argument, _ in stub_parameters(new)]
        assert (cls.__text_signature__ or "()").strip("()") == ", ".join(given)


def test_classes_that_cannot_be_derived_from_are_final():
    for name, node in CLASSES.items():
        assert [decorator.id for decorator in node.decorator_list] == ["final"], name
        with pytest.raises(TypeError):
            type("Derived", (getattr(_core, name),), {})
