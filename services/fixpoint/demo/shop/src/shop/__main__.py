"""`python -m shop --port 8000` serves the shop on this machine."""

from __future__ import annotations

import argparse
from wsgiref.simple_server import make_server

from shop.app import App, utc_now
from shop.seed import open_shop
from shop.wsgi import wsgi


def main() -> None:
    parser = argparse.ArgumentParser(prog="shop", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    with make_server("127.0.0.1", port, wsgi(App(open_shop(utc_now)))) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
