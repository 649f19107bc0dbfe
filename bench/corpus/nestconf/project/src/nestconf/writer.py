"""Writing settings so that they can be read again."""

from __future__ import annotations

from typing import List

from .settings import Settings


def quote(value: str) -> str:
    """Write a value, in quotes where it needs them."""
    value = value.replace("$", "$$")
    plain = value and value == value.strip() and not set(value) & set('"#\\\n\t')
    if plain:
        return value
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(char, escape)
    return f'"{value}"'


def _lines(settings: Settings, path: str) -> List[str]:
    tree = settings.as_tree()
    lines = [f"{key} = {quote(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    if path and lines:
        lines.insert(0, f"[{path}]")
    blocks = ["\n".join(lines)] if lines else []
    for name in settings.sections():
        blocks.extend(_lines(settings.section(name), f"{path}.{name}" if path else name))
    return blocks


def dumps(settings: Settings) -> str:
    """Write settings as text."""
    blocks = _lines(settings, "")
    return "\n\n".join(blocks) + "\n" if blocks else ""
