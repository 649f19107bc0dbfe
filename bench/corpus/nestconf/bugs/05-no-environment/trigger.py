"""Starts a server from its configuration."""

import tempfile
from pathlib import Path

from nestconf import Option, Schema, Settings, load

CONFIG = """
[server]
host = 0.0.0.0
port = 8080
[storage]
path = ${env.DATA_DIR:-/var/lib/app}/files
"""


class Server:
    schema = Schema(
        [
            Option("server.host", required=True),
            Option("server.port", "int", default=80),
            Option("storage.path", required=True),
        ]
    )

    def __init__(self, settings: Settings) -> None:
        self.values = self.schema.apply(settings)


def start(folder: Path) -> Server:
    path = folder / "app.conf"
    path.write_text(CONFIG, encoding="utf-8")
    return Server(load(path))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(start(Path(name)).values)
