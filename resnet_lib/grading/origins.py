"""Where the code of an answer comes from, as far as its text says: what it takes from the library, and by which ways it
gets at code that is not its own. Nothing is refused for it: a person is told.
"""

import ast

from .needs import parsed, root_of

LIBRARY = __package__.partition(".")[0]
SHOWS = {"exercises", "explorers", "grading", "photos", "views"}  # packages of it that compute nothing of a network
ANSWER = "yours"  # but this gives the library's parts
WAYS = {"exec", "eval", "__import__", "sys.modules"}
ATTRIBUTES = {"getsource", "import_module", "__subclasses__", "get_objects", "__code__", "__globals__"}


class Origins:
    """What the names in these cells mean, where that is the library's."""

    def __init__(self, cells):
        self.names, self.packages = {}, set()
        for node in (n for source in cells for n in _nodes(source)):
            self.names |= _taken(node)
            if isinstance(node, ast.Import):
                named = [a for a in node.names if a.name.partition(".")[0] == LIBRARY]
                self.packages |= {a.asname or LIBRARY for a in named}

    def of(self, source):
        """(names of the library that a text uses, ways by which it looks for other code): two sets."""
        nodes = list(_nodes(source))
        brought = {name: theirs for node in nodes for name, theirs in _taken(node).items()}
        own = set().union(*map(_bound, nodes))
        known = {name: theirs for name, theirs in self.names.items() if name not in own} | brought
        taken, ways = set(brought.values()), set()
        for node in nodes:
            if isinstance(node, ast.Name):
                taken |= {known[node.id]} if node.id in known else set()
                ways |= {node.id} & WAYS
            elif isinstance(node, ast.Attribute) and root_of(node) & self.packages:
                taken |= {node.attr} - SHOWS
            elif isinstance(node, ast.Attribute):
                ways |= {node.attr} & ATTRIBUTES | {ast.unparse(node)} & WAYS
            elif isinstance(node, ast.Constant) and LIBRARY in str(node.value):
                ways.add(f"a text with {LIBRARY}")
        return taken, ways


def _nodes(source):
    tree = parsed(source)
    return ast.walk(tree) if tree else ()


def _taken(node):
    """name → the library's name, where a node imports it from what computes."""
    package, _, rest = (getattr(node, "module", None) or "").partition(".")
    if not isinstance(node, ast.ImportFrom) or package != LIBRARY:
        return {}
    shows = rest.partition(".")[0] in SHOWS
    return {a.asname or a.name: a.name for a in node.names if a.name == ANSWER or not shows and a.name not in SHOWS}


def _bound(node):
    """The names that a node gives a meaning of their own."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    return {getattr(node, "arg", None), getattr(node, "name", None)}
