"""Which cells of a notebook a cell needs: those that give its names a value, and what those need."""

import ast
import re
import symtable
import warnings
from functools import lru_cache

MAGIC = re.compile(r"^[ \t]*[!%?]|=[ \t]*[!%]|\?[ \t]*$", re.MULTILINE)
MAGICS = 100  # in one cell that is still read
EVERY = "*"  # what a cell binds that cannot be read, or that imports all names of a module


@lru_cache(maxsize=4096)
def _read(source):
    """The names that a cell gives a value, imports, perhaps changes by a method's call, and uses: four frozen sets."""
    tree = parsed(source)
    if tree is None:
        return frozenset([EVERY]), frozenset(), frozenset(), frozenset()
    bound, imported, changed, used = set(), set(), set(), set()
    for table in _scopes(symtable.symtable(ast.unparse(tree), "<cell>", "exec")):
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                used |= {symbol.get_name()} if symbol.is_referenced() else set()
                bound |= {symbol.get_name()} if symbol.is_assigned() or symbol.is_namespace() else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {EVERY if a.name == "*" else (a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed |= _root(node.func)  # network.eval() may change what the name stands for
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed |= _root(node)
    return frozenset(bound), frozenset(imported), frozenset(changed), frozenset(used)


def _scopes(table):
    yield table
    for inner in table.get_children():
        yield from _scopes(inner)


def names(source):
    """The names that a cell gives a value, and those that it uses: two frozen sets."""
    bound, imported, _, used = _read(source)
    return bound | imported, used


def _root(node):
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def parsed(source):
    """The cell as Python sees it after IPython's own transformations, or None where it is no Python."""
    lines = source.split("\n")
    if lines and lines[0].startswith("%%"):  # the body of a cell's magic is Python in those that a lesson needs
        source = "\n".join(lines[1:])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _plain(source) or _transformed(source)
            symtable.symtable(ast.unparse(tree), "<cell>", "exec")  # sees more of what is no Python
            return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _plain(source):
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _transformed(source):
    """IPython reads the whole cell again for each magic in it: of very many it takes minutes."""
    from IPython.core.inputtransformer2 import TransformerManager

    if len(MAGIC.findall(source)) > MAGICS:
        raise SyntaxError("a cell of magics")
    return ast.parse(TransformerManager().transform_cell(source))


def top(source):
    """The names that a cell's top level gives a value, without its imports."""
    tree = parsed(source)
    return set().union(*(given(node) for node in tree.body)) if tree else set()


def given(statement):
    """The names that a statement gives a value, without imports."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set()
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def needed(sources, wanted):
    """The indices of the cells that give the names `wanted` a value, with all that those need in turn."""
    wanted, taken, imports = set(wanted), [], set().union(*(_read(source)[1] for source in sources))
    for i in reversed(range(len(sources))):
        bound, imported, changed, used = _read(sources[i])
        given = bound | imported | changed - imports
        if given & wanted or EVERY in given:
            taken.append(i)
            wanted |= used
    return taken[::-1]
