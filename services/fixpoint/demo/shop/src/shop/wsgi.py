"""The shop behind any WSGI server."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Callable, Dict, Iterable
from urllib.parse import parse_qsl

from shop.app import App, Request


def to_request(environ: Dict[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    raw = environ["wsgi.input"].read(length) if length else b""
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": dict(parse_qsl(environ.get("QUERY_STRING", ""))),
        "headers": {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        },
        "body": json.loads(raw) if raw else {},
    }


def wsgi(app: App) -> Callable[[Dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def serve(environ: Dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = app.handle(to_request(environ))
        status = HTTPStatus(response["status"])
        payload = json.dumps(response["body"]).encode()
        start_response(
            f"{status.value} {status.phrase}",
            [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))],
        )
        return [payload]

    return serve
