"""Reads the configuration of a machine, with local changes where there are any."""

import tempfile
from pathlib import Path

from nestconf import Settings, load


def install(folder: Path) -> Path:
    main = folder / "main.conf"
    main.write_text("[log]\nlevel = info\ntry-include local.d/log.conf\n", encoding="utf-8")
    # An older release kept local changes in one file of that name.
    (folder / "local.d").write_text("level = debug\n", encoding="utf-8")
    return main


class Machine:
    def __init__(self, folder: Path) -> None:
        self.settings = self._read(install(folder))

    def _read(self, path: Path) -> Settings:
        return load(path, env={"HOME": "/root"})

    def log_level(self) -> str:
        return self.settings.get("log.level", "warning")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(Machine(Path(name)).log_level())
