"""Sectioned configuration files with includes and references."""

from .errors import ConfigError, ConversionError, IncludeError, ParseError, ReferenceError_, SchemaError
from .loader import load, loads
from .schema import Option, Schema
from .settings import Settings
from .writer import dumps

__all__ = [
    "ConfigError",
    "ConversionError",
    "IncludeError",
    "Option",
    "ParseError",
    "ReferenceError_",
    "Schema",
    "SchemaError",
    "Settings",
    "dumps",
    "load",
    "loads",
]
