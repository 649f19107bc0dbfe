"""Resolving ``${other.key}`` and ``${NAME:-default}``."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Tuple

from .errors import Place, ReferenceError_
from .settings import Tree

_REFERENCE = re.compile(r"\$(?:\$|\{([^}:]+)(?::-([^}]*))?\})")
Path = Tuple[str, ...]


class Resolver:
    """Replaces references by values, each value once."""

    def __init__(self, tree: Tree, places: Mapping[Path, Place], env: Mapping[str, str]) -> None:
        self.tree = tree
        self.places = places
        self.env = env
        self._done: Dict[Path, str] = {}
        self._active: List[Path] = []

    def value(self, path: Path) -> Optional[str]:
        """Return the resolved value at a path, or None when there is none."""
        if path in self._done:
            return self._done[path]
        raw = self._raw(path)
        if raw is None:
            return None
        if path in self._active:
            loop = self._active[self._active.index(path):] + [path]
            raise ReferenceError_(" -> ".join(".".join(part) for part in loop), self.places.get(path))
        self._active.append(path)
        try:
            resolved = self.expand(raw, path)
        finally:
            self._active.pop()
        self._done[path] = resolved
        return resolved

    def expand(self, text: str, path: Path) -> str:
        """Replace all references in a text that stands at ``path``."""

        def replace(match: "re.Match[str]") -> str:
            name, default = match[1], match[2]
            if name is None:
                return "$"
            found = self._lookup(name.strip(), path)
            if found is not None:
                return found
            if default is not None:
                return default
            raise ReferenceError_(f"${{{name}}} is not set", self.places.get(path))

        return _REFERENCE.sub(replace, text)

    def _lookup(self, name: str, path: Path) -> Optional[str]:
        if name.startswith("env."):
            return self.env.get(name[4:])
        parts = tuple(name.split("."))
        # First beside the value, then in each section around it.
        for depth in range(len(path) - 1, -1, -1):
            found = self.value(path[:depth] + parts)
            if found is not None:
                return found
        return None

    def _raw(self, path: Path) -> Optional[str]:
        node: object = self.tree
        for part in path:
            if not isinstance(node, dict) or part not in node:
                return None
            node = node[part]
        return node if isinstance(node, str) else None


def resolve_all(tree: Tree, places: Mapping[Path, Place], env: Mapping[str, str]) -> Tree:
    """Return a copy of the tree without references."""
    resolver = Resolver(tree, places, env)

    def copy(node: Tree, prefix: Path) -> Tree:
        result: Tree = {}
        for key, value in node.items():
            path = prefix + (key,)
            if isinstance(value, dict):
                result[key] = copy(value, path)
            else:
                result[key] = resolver.value(path) or ""
        return result

    return copy(tree, ())
