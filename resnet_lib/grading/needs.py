"""Which cells of a notebook a cell needs: those that give its names a value, and what those need."""

import ast
import re
import symtable
import warnings
from functools import lru_cache
from itertools import islice

MAGIC = re.compile(r"^[ \t]*[!%?]|=[ \t]*[!%]|\?[ \t]*$", re.MULTILINE)
TIMED = re.compile(r"^([ \t]*)%time[ \t]+(?=\S)", re.MULTILINE)  # behind it is Python
LONGEST = 10**5  # characters of a cell that is still read, without spaces: for some Python takes seconds
EACH_MAGIC = 10**6  # of a cell, counted for each of its magics
NODES = 50_000  # of its tree
EVERY = "*"  # what a cell binds that cannot be read, or that imports all names of a module


@lru_cache(maxsize=4096)
def _read(source):
    """The names that a cell gives a value, imports, perhaps changes by a method's call, and uses: four frozen sets."""
    text, tree = _code(source)
    if tree is None:
        return frozenset([EVERY]), frozenset(), frozenset(), frozenset()
    bound, imported, changed, used = set(), set(), set(), set()
    for table in _scopes(symtable.symtable(text, "<cell>", "exec")):
        for symbol in table.get_symbols():
            if table.get_type() == "module" or symbol.is_global():
                used |= {symbol.get_name()} if symbol.is_referenced() else set()
                bound |= {symbol.get_name()} if symbol.is_assigned() or symbol.is_namespace() else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {EVERY if a.name == "*" else (a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changed |= root_of(node.func)  # network.eval() may change what the name stands for
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed |= root_of(node)
    return frozenset(bound), frozenset(imported), frozenset(changed), frozenset(used)


def _scopes(table):
    yield table
    for inner in table.get_children():
        yield from _scopes(inner)


def names(source):
    """The names that a cell gives a value, and those that it uses: two frozen sets."""
    bound, imported, _, used = _read(source)
    return bound | imported, used


def root_of(node):
    """The name that an expression such as a.b[0].c() begins with: a set of one, or of none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def parsed(source):
    """The cell as Python sees it after IPython's own transformations, or None where it is no Python."""
    return _code(source)[1]


@lru_cache(maxsize=1024)
def _code(source):
    """A cell's text as Python sees it, and its tree; None in the place of both where it is no Python."""
    if sum(map(len, source.split())) > LONGEST:
        return None, None
    if source.startswith("%%"):  # the body of a cell's magic is Python in those that a lesson needs
        source = source.partition("\n")[2]
    source = TIMED.sub(r"\1", source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text, tree = source, _plain(source)
            if tree is None:
                text = _transformed(source)
                tree = ast.parse(text)
            symtable.symtable(text, "<cell>", "exec")  # sees more of what is no Python
            small = sum(1 for _ in islice(ast.walk(tree), NODES)) < NODES
            return (text, tree) if small else (None, None)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, None


def _plain(source):
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _transformed(source):
    """IPython reads the whole cell again for each magic in it: of very many it takes minutes."""
    from IPython.core.inputtransformer2 import TransformerManager

    if len(MAGIC.findall(source)) * len(source) > EACH_MAGIC:
        raise SyntaxError("a cell of magics")
    return TransformerManager().transform_cell(source)


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
