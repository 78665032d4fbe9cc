"""What is still open in an exercise: a `...` where an answer is expected."""

import ast
import inspect
import linecache


def cell_of(thing):
    """Return the source of the cell or file that defines a function or class; "" where there is none to read."""
    thing = inspect.unwrap(thing) if callable(thing) else thing  # what a decorator was put around
    made = [thing] if inspect.isfunction(thing) else vars(thing).values() if isinstance(thing, type) else ()
    code = next((each.__code__ for each in made if inspect.isfunction(each)), None)
    return "".join(linecache.getlines(code.co_filename)) if code else ""


def placeholder(thing):
    """Return where a function, class or value is still `...`: the line of its cell, 0 for a value, or None.

    A lambda is asked for the functions and classes that it names. `x[..., 0]` is an index and counts as an answer.
    """
    if thing is ...:
        return 0
    name = getattr(thing, "__name__", "")
    if name == "<lambda>" and inspect.isfunction(thing):  # the grader's stand-in for one is none
        named = (thing.__globals__.get(each) for each in thing.__code__.co_names)
        lines = [placeholder(each) for each in named if inspect.isfunction(each) or isinstance(each, type)]
        return next((line for line in lines if line is not None), None)
    return next(iter(open_lines(cell_of(thing), name)), None)


def open_lines(source, name=None):
    """Return the lines of a cell in which a `...` is still to be replaced, of the function or class `name` alone if one
    is given; none where the cell cannot be read as Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    if name is None:
        return list(_ellipses(tree))
    defined = (ast.FunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, defined) and node.name == name]
    return list(_ellipses(nodes[-1])) if nodes else []


def _ellipses(node):
    """The lines of `...` below a node of a syntax tree, except those of an index."""
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Subscript) and child is node.slice:
            continue
        if isinstance(child, ast.Constant) and child.value is ...:
            yield child.lineno
        yield from _ellipses(child)
