"""Runs a trigger like a program and writes the event that sentry-sdk would send.

    python capture.py TRIGGER EVENT --src SRC --release NAME      (needs sentry-sdk)
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
from pathlib import Path
from typing import Any, List

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport


class Keep(Transport):
    """Keeps events instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.events: List[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("trigger", type=Path)
    parser.add_argument("event", type=Path)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--release", required=True)
    arguments = parser.parse_args()
    keep = Keep()
    sentry_sdk.init(
        dsn="https://key@sentry.invalid/1",
        transport=keep,
        include_local_variables=True,
        auto_enabling_integrations=False,
        environment="production",
        release=arguments.release,
        server_name="app-1",
    )
    sys.path.insert(0, str(arguments.src))
    trigger = str(arguments.trigger)
    sys.argv = [trigger]
    try:
        runpy.run_path(trigger, run_name="__main__")
    except Exception as error:
        # Without the frames of this program and of runpy the stack is that of the trigger alone.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != trigger:
            trace = trace.tb_next
        # sentry-sdk has replaced this hook, which is how it learns of errors that end a program.
        sys.excepthook(type(error), error, trace)
    if len(keep.events) != 1:
        print(f"{len(keep.events)} events; the trigger has to raise once", file=sys.stderr)
        return 1
    arguments.event.write_text(json.dumps(keep.events[0], indent=1, default=str) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
