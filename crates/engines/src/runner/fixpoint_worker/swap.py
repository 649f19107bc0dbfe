"""Finds out whether two versions of a file differ only inside functions that have not run yet, and which live functions these are."""
import dis
import gc
import importlib.machinery
import linecache
import os
import sys
import types
import warnings

from .text import within

OPTIMIZED, VARARGS, VARKEYWORDS, GENERATOR, COROUTINE, ITERABLE_COROUTINE, ASYNC_GENERATOR = 1, 4, 8, 0x20, 0x80, 0x100, 0x200
KIND = OPTIMIZED | VARARGS | VARKEYWORDS | GENERATOR | COROUTINE | ITERABLE_COROUTINE | ASYNC_GENERATOR
# Python 3.13 stores these in each class. Nothing but tools for reading source looks at them.
NOTES_OF_A_CLASS = ("__firstlineno__", "__static_attributes__")


class Unlike(Exception):
    """The candidate cannot be had by exchanging the code of functions."""


class Source:
    def __init__(self, origin, text):
        self.origin = origin
        self.text = text
        self.code = None
        # How many pieces of code begin with this name at this line.
        self.places = {}

    def compiled(self):
        if self.code is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.code = compile(self.text, self.origin, "exec", dont_inherit=True)
            waiting = [self.code]
            while waiting:
                code = waiting.pop()
                place = (code.co_name, code.co_firstlineno)
                self.places[place] = self.places.get(place, 0) + 1
                waiting.extend(inner(code))
        return self.code


class Sources:
    """The files of the project that are imported, as they were then, and their functions."""

    def __init__(self, root, called):
        self.root = root
        self.called = called
        self.known = {}
        for module in list(sys.modules.values()):
            try:
                spec = module.__spec__
                origin, loader = spec.origin, spec.loader
                if not isinstance(origin, str) or not origin.endswith(".py"):
                    continue
                path = os.path.realpath(origin)
                if within(root, path) is None:
                    continue
                # pytest's and other loaders make other code of a source.
                plain = type(loader) is importlib.machinery.SourceFileLoader
                before = self.known.get(path)
                if not plain or path in self.known and (before is None or before.origin != origin):
                    self.known[path] = None
                elif before is None:
                    with open(path, "rb") as file:
                        self.known[path] = Source(origin, file.read())
            except Exception:
                continue
        self.functions = {}
        origins = {source.origin for source in self.known.values() if source}
        for found in gc.get_objects():
            kind = type(found)
            if kind is types.FunctionType:
                code = found.__code__
                if code.co_filename in origins:
                    self.functions.setdefault((code.co_filename, code.co_name, code.co_firstlineno), []).append(found)
            elif kind in (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType):
                # One that was made and has not begun is no call yet.
                code = getattr(found, "gi_code", None) or getattr(found, "cr_code", None) or getattr(found, "ag_code", None)
                called[id(code)] = code

    def swaps(self, paths):
        """Pairs of a function and its new code."""
        found = []
        for path in paths:
            source = self.known.get(os.path.realpath(os.path.join(self.root, path)))
            # Whoever read the source at import may have made something of it.
            if source is None or len(linecache.cache.get(source.origin, ())) > 1:
                raise Unlike(path)
            found.extend(self.of_file(source, os.path.join(self.root, path)))
        return found

    def of_file(self, source, path):
        try:
            with open(path, "rb") as file:
                text = file.read()
            if text == source.text:
                return []
            with warnings.catch_warnings():
                # What warns when it is compiled may be an error in the project's settings.
                warnings.simplefilter("error")
                new = compile(text, source.origin, "exec", dont_inherit=True)
            old = source.compiled()
        except Exception as error:
            raise Unlike(path) from error
        changed, moved = [], []
        compare_bodies(old, new, changed, moved)
        found = []
        for before, after in changed:
            live = self.live(source, before)
            if not live or any(id(function.__code__) in self.called for function in live):
                raise Unlike(before.co_name)
            found.extend((function, after) for function in live)
        for before, after in moved:
            found.extend((function, after) for function in self.live(source, before) or [])
        return found

    def live(self, source, code):
        """The functions that have this code, or None when that cannot be told."""
        if source.places[code.co_name, code.co_firstlineno] != 1:
            return None
        found = self.functions.get((source.origin, code.co_name, code.co_firstlineno), [])
        return found if all(function.__code__ == code for function in found) else None


def inner(code):
    return [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def plain(code):
    """Constants besides code, with their types: 1, 1.0 and True are equal otherwise."""
    return [None if isinstance(constant, types.CodeType) else (type(constant), repr(constant)) for constant in code.co_consts]


def lines(code):
    return code.co_firstlineno, getattr(code, "co_linetable", None) or code.co_lnotab


def compare_bodies(old, new, changed, moved):
    """Compares modules or classes, which have run: they must be the same. Collects functions right below that are not."""
    if not (
        old.co_code == new.co_code
        and old.co_name == new.co_name
        and old.co_names == new.co_names
        and old.co_varnames == new.co_varnames
        and old.co_freevars == new.co_freevars
        and old.co_cellvars == new.co_cellvars
        and old.co_flags == new.co_flags
        and getattr(old, "co_exceptiontable", b"") == getattr(new, "co_exceptiontable", b"")
        and len(old.co_consts) == len(new.co_consts)
    ):
        raise Unlike(old.co_name)
    before, after = plain(old), plain(new)
    if before != after:
        different = {at for at in range(len(before)) if before[at] != after[at]}
        if not different <= notes(old) & notes(new):
            raise Unlike(old.co_name)
    for one, other in zip(old.co_consts, new.co_consts):
        if not isinstance(one, types.CodeType):
            continue
        if one.co_flags & OPTIMIZED and other.co_flags & OPTIMIZED:
            compare_functions(one, other, changed, moved)
        else:
            compare_bodies(one, other, changed, moved)


def notes(code):
    """The places of constants that serve for nothing but notes of a class."""
    if NOTES_OF_A_CLASS[0] not in code.co_names:
        return set()
    uses, noting, last = {}, set(), None
    for instruction in dis.get_instructions(code):
        if instruction.opcode in dis.hasconst:
            uses[instruction.arg] = uses.get(instruction.arg, 0) + 1
        if instruction.opname == "STORE_NAME" and instruction.argval in NOTES_OF_A_CLASS and last and last.opname == "LOAD_CONST":
            noting.add(last.arg)
        last = instruction
    return {at for at in noting if uses[at] == 1}


def compare_functions(old, new, changed, moved):
    if same(old, new):
        if not same_lines(old, new):
            moved.append((old, new))
        return
    if outside(old) != outside(new):
        raise Unlike(old.co_name)
    changed.append((old, new))


def outside(code):
    """What others may have looked at when the function was made."""
    arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & VARARGS) + bool(code.co_flags & VARKEYWORDS)
    return (
        code.co_name,
        getattr(code, "co_qualname", None),
        code.co_flags & KIND,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:arguments],
        code.co_freevars,
        code.co_consts[0] if code.co_consts and isinstance(code.co_consts[0], str) else None,
    )


def same(old, new):
    if not (
        outside(old) == outside(new)
        and old.co_code == new.co_code
        and old.co_names == new.co_names
        and old.co_varnames == new.co_varnames
        and old.co_cellvars == new.co_cellvars
        and old.co_flags == new.co_flags
        and getattr(old, "co_exceptiontable", b"") == getattr(new, "co_exceptiontable", b"")
        and plain(old) == plain(new)
    ):
        return False
    return all(same(one, other) for one, other in zip(inner(old), inner(new)))


def same_lines(old, new):
    return lines(old) == lines(new) and all(same_lines(one, other) for one, other in zip(inner(old), inner(new)))
