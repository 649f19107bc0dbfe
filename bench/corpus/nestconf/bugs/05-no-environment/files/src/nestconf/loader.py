"""Reading files and the files they include."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from .errors import IncludeError, ParseError, Place
from .references import resolve_all
from .settings import Settings, Tree
from .tokens import Assign, Include, Section, statements

Reader = Callable[[str], str]
MAX_DEPTH = 16
# A path through something that is not a folder leads nowhere, too.
_ABSENT = (FileNotFoundError, NotADirectoryError)


def file_reader(root: Path) -> Reader:
    """Return a reader of files under ``root``."""

    def read(name: str) -> str:
        return (root / name).read_text(encoding="utf-8")

    return read


def mapping_reader(files: Mapping[str, str]) -> Reader:
    """Return a reader of texts held in memory."""

    def read(name: str) -> str:
        try:
            return files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    return read


class Loader:
    """Builds one tree out of a file and everything it includes."""

    def __init__(self, read: Reader) -> None:
        self.read = read
        self.tree: Tree = {}
        self.places: Dict[Tuple[str, ...], Place] = {}
        self.loaded: List[str] = []

    def load(self, name: str) -> None:
        """Read a file into the tree."""
        self._load(posixpath.normpath(name), (), None, ())

    def _load(self, name: str, prefix: Tuple[str, ...], place: Optional[Place], parents: Tuple[str, ...]) -> None:
        if name in parents:
            raise IncludeError(f"{' -> '.join(parents + (name,))} is a circle", place)
        if len(parents) >= MAX_DEPTH:
            raise IncludeError(f"more than {MAX_DEPTH} files deep", place)
        text = self.read(name)
        self.loaded.append(name)
        section = prefix
        for statement in statements(text, name):
            if isinstance(statement, Section):
                section = prefix + statement.path
                self._enter(section, statement.place)
            elif isinstance(statement, Include):
                self._include(statement, name, section, parents + (name,))
            else:
                self._assign(section + statement.path, statement)

    def _include(self, statement: Include, name: str, section: Tuple[str, ...], parents: Tuple[str, ...]) -> None:
        # A name is relative to the file that includes it.
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), statement.target))
        try:
            self._load(target, section, statement.place, parents)
        except _ABSENT as error:
            if not statement.optional:
                raise IncludeError(f"{target} does not exist", statement.place) from error

    def _enter(self, path: Tuple[str, ...], place: Place) -> Tree:
        node = self.tree
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise ParseError(f"{part} is a value, not a section", place)
            node = child
        return node

    def _assign(self, path: Tuple[str, ...], statement: Assign) -> None:
        node = self._enter(path[:-1], statement.place)
        key = path[-1]
        old = node.get(key)
        if isinstance(old, dict):
            raise ParseError(f"{key} is a section, not a value", statement.place)
        if statement.append and old:
            node[key] = f"{old}, {statement.value}"
        else:
            node[key] = statement.value
        self.places[path] = statement.place


def walk(tree: Tree, prefix: Tuple[str, ...] = ()) -> Iterator[Tuple[Tuple[str, ...], str]]:
    """Yield all values with their paths, in order."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from walk(value, prefix + (key,))
        else:
            yield prefix + (key,), value


def _build(read: Reader, name: str, env: Optional[Mapping[str, str]]) -> Settings:
    loader = Loader(read)
    try:
        loader.load(name)
    except _ABSENT as error:
        raise IncludeError(f"{name} does not exist") from error
    return Settings(resolve_all(loader.tree, loader.places, env), sources=tuple(loader.loaded))


def load(path: Union[str, Path], env: Optional[Mapping[str, str]] = None) -> Settings:
    """Read a file."""
    path = Path(path)
    return _build(file_reader(path.parent), path.name, env)


def loads(
    text: str, files: Optional[Mapping[str, str]] = None, env: Optional[Mapping[str, str]] = None
) -> Settings:
    """Read a text; ``files`` holds what it may include."""
    everything = dict(files or {})
    everything["<text>"] = text
    return _build(mapping_reader(everything), "<text>", env)
