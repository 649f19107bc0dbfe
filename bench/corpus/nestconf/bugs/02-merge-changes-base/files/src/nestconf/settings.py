"""Settings: a tree of sections and values."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import convert
from .errors import ConfigError, ConversionError

# A value is either text or a further section.
Tree = Dict[str, Any]
_MISSING = object()


class Settings:
    """A section with typed access by dotted names."""

    def __init__(self, tree: Optional[Tree] = None, name: str = "", sources: Tuple[str, ...] = ()) -> None:
        self._tree: Tree = tree if tree is not None else {}
        self.name = name
        self.sources = sources

    def __contains__(self, path: str) -> bool:
        return self._find(path) is not _MISSING

    def __getitem__(self, path: str) -> str:
        value = self._find(path)
        if value is _MISSING or isinstance(value, dict):
            raise KeyError(self._full(path))
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self._tree == other._tree

    def _find(self, path: str) -> Any:
        node: Any = self._tree
        for part in path.split("."):
            if not isinstance(node, dict) or part not in node:
                return _MISSING
            node = node[part]
        return node

    def _full(self, path: str) -> str:
        return f"{self.name}.{path}" if self.name else path

    def get(self, path: str, default: Any = None, kind: str = "text") -> Any:
        """Return a value as ``kind``, or the default when it is not set."""
        value = self._find(path)
        if value is _MISSING:
            return default
        if isinstance(value, dict):
            raise ConversionError(f"{self._full(path)} is a section")
        try:
            return convert.CONVERTERS[kind](value)
        except ConversionError as error:
            raise ConversionError(f"{self._full(path)}: {error}") from None

    def get_bool(self, path: str, default: bool = False) -> bool:
        """Return a yes or no."""
        return self.get(path, default, "bool")

    def get_int(self, path: str, default: Optional[int] = None) -> Optional[int]:
        """Return a whole number."""
        return self.get(path, default, "int")

    def get_duration(self, path: str, default: Optional[timedelta] = None) -> Optional[timedelta]:
        """Return a duration."""
        return self.get(path, default, "duration")

    def get_list(self, path: str, default: Optional[List[str]] = None) -> List[str]:
        """Return a list; without a value and a default an empty one."""
        return self.get(path, [] if default is None else default, "list")

    def section(self, path: str) -> "Settings":
        """Return a section; one that does not exist is empty."""
        value = self._find(path)
        if value is _MISSING:
            value = {}
        if not isinstance(value, dict):
            raise ConfigError(f"{self._full(path)} is a value, not a section")
        return Settings(value, self._full(path), self.sources)

    def sections(self) -> List[str]:
        """Return the names of the sections right below."""
        return [key for key, value in self._tree.items() if isinstance(value, dict)]

    def items(self, prefix: str = "") -> Iterator[Tuple[str, str]]:
        """Yield all values with dotted names, values of a section before its sections."""
        for key, value in self._tree.items():
            if not isinstance(value, dict):
                yield prefix + key, value
        for key, value in self._tree.items():
            if isinstance(value, dict):
                yield from Settings(value).items(f"{prefix}{key}.")

    def as_tree(self) -> Tree:
        """Return a copy as nested dictionaries."""
        return copy.deepcopy(self._tree)

    def merged(self, other: "Settings") -> "Settings":
        """Return new settings in which ``other`` wins; neither is changed."""
        return Settings(_merge(dict(self._tree), other._tree), self.name, self.sources + other.sources)


def _merge(base: Tree, over: Tree) -> Tree:
    for key, value in over.items():
        old = base.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        else:
            base[key] = copy.deepcopy(value)
    return base
