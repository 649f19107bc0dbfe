"""What pytest would do anew in each child although it never changes."""
import linecache
import os
import sys

from .text import within


def remember_entry_points(root):
    """pytest reads which plugins every installed package brings, several times per child. Packages do not change here: they are
    read once. Those of the project itself are read anew."""
    try:
        from importlib.metadata import PathDistribution, distributions

        read = PathDistribution.read_text
        known = {}
        for found in distributions():
            if isinstance(found, PathDistribution) and within(root, str(found._path)) is None:
                known[str(found._path)] = found.read_text("entry_points.txt")

        def read_text(self, filename):
            if filename == "entry_points.txt" and str(self._path) in known:
                return known[str(self._path)]
            return read(self, filename)

        PathDistribution.read_text = read_text
    except Exception as error:
        sys.stderr.write("entry points are read by each child: %s\n" % error)


def quiet_rewriting():
    """pytest warns about plugins that were imported before it could rewrite their assertions: ours are, on purpose."""
    try:
        from _pytest.assertion.rewrite import AssertionRewritingHook

        AssertionRewritingHook._warn_already_imported = lambda self, name: None
    except ImportError:
        pass


def shorten_listings():
    """pytest looks through every name of each of its modules for hooks and fixtures, anew in each child. Here they list only those,
    which saves each child some five milliseconds."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("_pytest.") or "__dir__" in vars(module):
            continue
        names = [
            found
            for found, value in vars(module).items()
            if found.startswith("pytest") or type(value).__module__ == "_pytest.fixtures" or hasattr(value, "_pytestfixturefunction")
        ]
        module.__dir__ = lambda names=names: names


def remember_lines():
    """Each traceback of a failed test quotes the framework's own files."""
    for name, module in list(sys.modules.items()):
        package = name.split(".")[0]
        file = getattr(module, "__file__", None)
        if package in ("_pytest", "pluggy", "unittest") and file and file.endswith(".py") and os.path.getsize(file) < 1 << 18:
            linecache.getlines(file)
