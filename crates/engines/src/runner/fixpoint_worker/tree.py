"""The files of the project: a candidate's are written and taken back, and what tests change is put back."""
import importlib.util
import os
import shutil
import stat
import sys

from .text import within

TIDY_FILES = 20000
TIDY_BYTES = 64 << 20
IGNORED = {".git", "node_modules", "__pycache__", ".tox", ".venv"}


class Change:
    """A candidate's files, written into the tree, and how to take them back."""

    def __init__(self, root, files, number):
        self.undoing = []
        try:
            for path, content in files.items():
                self.write(root, path, content, number)
        except BaseException:
            self.undo()
            raise

    def write(self, root, path, content, number):
        full = os.path.normpath(os.path.join(root, path))
        if within(root, full) is None:
            raise OSError("%s lies outside of the tree" % path)
        made = []
        folder = os.path.dirname(full)
        while not os.path.isdir(folder):
            made.append(folder)
            folder = os.path.dirname(folder)
        try:
            before = os.lstat(full)
            with open(full, "rb") as file:
                original = file.read()
        except FileNotFoundError:
            before, original = None, None
        self.undoing.append((full, before, original, made))
        if content is None:
            if before:
                os.unlink(full)
        else:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content.encode())
            # A time that no other version of this file ever had: what was compiled from another one can never be taken for it.
            stamp = 1_000_000_000 + number
            os.utime(full, (stamp, stamp))
        forget_compiled(full)

    def undo(self):
        for full, before, original, made in reversed(self.undoing):
            try:
                if before is None:
                    if os.path.lexists(full):
                        os.unlink(full)
                else:
                    os.makedirs(os.path.dirname(full), exist_ok=True)
                    with open(full, "wb") as file:
                        file.write(original)
                    os.chmod(full, stat.S_IMODE(before.st_mode))
                    os.utime(full, ns=(before.st_atime_ns, before.st_mtime_ns))
                for folder in made:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError as error:
                sys.stderr.write("cannot put %s back: %s\n" % (full, error))
            forget_compiled(full)
        self.undoing = []


class Tree:
    """Remembers the tree as it was, so that files which tests make or change do not reach the next candidate."""

    def __init__(self, root):
        self.root = root
        self.foreign = mounted_below(root)
        self.kept = {}
        size = 0
        for path, found in self.walk():
            content = None
            if stat.S_ISREG(found.st_mode) and size + found.st_size <= TIDY_BYTES:
                with open(path, "rb") as file:
                    content = file.read()
                size += found.st_size
            self.kept[path] = (self.mark(found), found, content)
            if len(self.kept) > TIDY_FILES:
                self.kept = None
                return

    def walk(self):
        waiting = [self.root]
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED and entry.path not in self.foreign:
                        waiting.append(entry.path)
                else:
                    try:
                        yield entry.path, entry.stat(follow_symlinks=False)
                    except OSError:
                        continue

    @staticmethod
    def mark(found):
        return found.st_mtime_ns, found.st_size, found.st_mode

    def tidy(self):
        """Puts everything back. Returns how many files were not as they had been."""
        if self.kept is None:
            return 0
        different = 0
        missing = set(self.kept)
        for path, found in list(self.walk()):
            missing.discard(path)
            kept = self.kept.get(path)
            if kept is not None and kept[0] == self.mark(found):
                continue
            different += 1
            try:
                if kept is None:
                    os.unlink(path)
                else:
                    self.restore(path, kept)
            except OSError as error:
                sys.stderr.write("cannot tidy %s: %s\n" % (path, error))
        for path in missing:
            try:
                self.restore(path, self.kept[path])
            except OSError as error:
                sys.stderr.write("cannot tidy %s: %s\n" % (path, error))
        return different + len(missing)

    def restore(self, path, kept):
        _, found, content = kept
        if content is None:
            return
        if os.path.lexists(path):
            os.unlink(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, stat.S_IMODE(found.st_mode))
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        forget_compiled(path)


def mounted_below(root):
    """Folders of the tree that are mounts of their own, such as a layer of packages."""
    try:
        with open("/proc/self/mounts") as file:
            places = [line.split(" ")[1].replace("\\040", " ") for line in file]
    except OSError:
        return set()
    return {place for place in places if place.startswith(root + os.sep)}


def forget_compiled(path):
    """Removes every compiled form of a source file, pytest's rewritten ones too."""
    if not path.endswith(".py"):
        return
    folder, front = os.path.split(importlib.util.cache_from_source(path))
    front = front.split(".")[0] + "."
    beside = os.path.join(os.path.dirname(path), "__pycache__")
    for place in {folder, beside}:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            if name.startswith(front) and name.endswith(".pyc"):
                os.unlink(os.path.join(place, name))
