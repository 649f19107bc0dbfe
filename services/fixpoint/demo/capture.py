"""Break the demo shop as a customer would, and print what the official Sentry SDK captured.

    python capture.py --bug reviews [--app DIR] [--release shop@1.4.0]

Runs with any Python that has `sentry-sdk`. The shop is served on a free port of the loopback interface by its own WSGI
adapter; the error goes the way that errors go in the shop (`App.handle` reports it). Nothing is sent anywhere: the SDK's
transport writes the event to standard output, which carries one JSON object and nothing else.
"""

import argparse
import json
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import sentry_sdk
from sentry_sdk.integrations.stdlib import StdlibIntegration
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.transport import Transport

ADA = ("ada@example.org", "countess")
LINUS = ("linus@example.org", "penguin")
MUG = ("POST", "/cart", {"sku": "mug", "quantity": 2}, {})

# Bug: who signs in, then the requests (method, path, body, headers); the last one breaks.
BUGS = {
    "reviews": (None, [("GET", "/products/lamp/reviews", None, {})]),
    "coupon": (ADA, [MUG, ("GET", "/cart/quote?coupon=SUMER", None, {})]),
    "zone": (ADA, [MUG, ("GET", "/cart/quote?country=CH", None, {})]),
    "best-sellers": (None, [("GET", "/reports/best-sellers", None, {})]),
    "label": (LINUS, [("GET", "/account/label", None, {})]),
    "auth": (None, [("GET", "/orders", None, {"Authorization": "Bearer"})]),
}


class Keep(Transport):
    """A transport that keeps error events instead of sending them."""

    def __init__(self, options=None):
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type == "event":
                self.events.append(item.payload.json)

    def flush(self, timeout, callback=None):
        pass

    def kill(self):
        pass


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


def call(base, method, path, body, headers):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
    # The shop is on loopback: whatever proxy the environment names has no say.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


def provoke(base, bug):
    """Send the requests of `bug`; the status of the last one."""
    account, requests = BUGS[bug]
    session = {}
    if account:
        email, password = account
        _, answer = call(base, "POST", "/login", {"email": email, "password": password}, {})
        session = {"Authorization": "Bearer " + answer["token"]}
    status = 0
    for method, path, body, headers in requests:
        status, _ = call(base, method, path, body, {**session, **headers})
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bug", required=True, choices=sorted(BUGS))
    parser.add_argument("--app", type=Path, default=Path(__file__).resolve().parent / "shop")
    parser.add_argument("--release", default="shop@1.4.0")
    arguments = parser.parse_args()

    root = arguments.app.resolve()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root / "src"))
    from shop.app import App, utc_now
    from shop.seed import open_shop
    from shop.wsgi import wsgi

    transport = Keep()
    sentry_sdk.init(
        dsn="http://public@127.0.0.1:1/1",
        transport=transport,
        release=arguments.release,
        environment="production",
        project_root=str(root),
        in_app_include=["shop"],
        # The customer runs in this process too; tracing must not add headers to his requests.
        disabled_integrations=[StdlibIntegration()],
    )
    app = SentryWsgiMiddleware(wsgi(App(open_shop(utc_now), report=sentry_sdk.capture_exception)))
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        status = provoke(f"http://127.0.0.1:{server.server_port}", arguments.bug)
    finally:
        server.shutdown()
        server.server_close()
    sentry_sdk.flush()

    if status != 500 or len(transport.events) != 1:
        sys.exit(f"expected one captured exception, got {len(transport.events)} and status {status}")
    json.dump(transport.events[0], sys.stdout)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
