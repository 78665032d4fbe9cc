"""Which cells of a learner's notebook have to do with its exercises: the solved lesson runs the others all the same."""

import ast
import symtable


def reached(notebook, solved, also=frozenset()):
    """Return the numbers of the cells of a learner's notebook that depend on an exercise or on its check, or read one
    of the names `also`, and of those that they need; `solved` is the lesson with its solutions, whose other cells are
    the same."""
    code = [cell.source if cell.cell_type == "code" else "" for cell in notebook.cells]
    shared = {cell.source for cell in solved.cells}
    names, kept = [_names(source) for source in code], set()
    open_names = set()
    for i, source in enumerate(code):  # forwards: what an exercise defines may be open still
        bound, read, _ = names[i]
        if source not in shared or open_names & read:
            kept.add(i)
            open_names |= bound
        elif also & read:
            kept.add(i)
        else:
            open_names -= bound
    needed = set()
    for i in reversed(range(len(code))):
        bound, read, changed = names[i]
        if i in kept or needed & (bound | changed):
            kept.add(i)
            needed |= read
    return kept


def _names(source):
    """(names that a cell gives a value, names that it reads, names whose values it changes)."""
    table, changed = symtable.symtable(source, "cell", "exec"), set()
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed |= _first(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed |= _given(node.value)
    return bound, _read(table), changed


def _read(table):
    """The names of the notebook that a cell, or a function or class in it, reads."""
    here = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (here or s.is_global())}
    return names.union(*map(_read, table.get_children()))


def _given(call):
    """The names that a call may change: what its method belongs to, and what a function is given. A class makes."""
    if isinstance(call.func, ast.Attribute):
        return _first(call.func) | set().union(*map(_first, call.args))
    making = isinstance(call.func, ast.Name) and (call.func.id == "print" or call.func.id[0].isupper())
    return set() if making else set().union(*map(_first, call.args))


def _first(node):
    """The name at the beginning of `a.b[0].c`, as a set."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()
