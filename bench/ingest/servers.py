"""The servers that are compared: ours, and the peers with the same contract. How each is prepared, started and asked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import payload
from process import Process

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "bench" / "ingest"
PEERS = Path(os.environ.get("FIXPOINT_PEERS", ROOT.parent / "shared" / "peers")) / "ingest"
COPY = WORK / "peers"
OURS = "ingest"
# No proxy: everything is on the loopback interface.
_WEB = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def say(text: str) -> None:
    """One line per step, on standard error as in scripts/say.sh."""
    print(f"▸ {text}", file=sys.stderr, flush=True)


@dataclass
class Server:
    """One of the servers."""

    name: str
    command: List[str]
    queue: str
    health: str
    folder: Path = WORK
    env: Dict[str, str] = field(default_factory=dict)
    process: Optional[Process] = None
    port: int = 0

    def start(self, amqp_url: str, cores: Sequence[int]) -> None:
        """Start it and wait until it says that it is ready; raise what it said last when it is not within 30 s."""
        self.port = free_port()
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        env.update(self.env, AMQP_URL=amqp_url, PORT=str(self.port))
        command = [word.replace("{port}", str(self.port)) for word in self.command]
        self.process = Process(command, cores, env, self.folder, WORK / f"{self.name}.log")
        deadline = time.monotonic() + 30
        while not self.ready():
            if self.process.ended() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name} did not become ready: {self.process.last_words() or 'it said nothing'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self.process is not None:
            self.process.stop()

    def ready(self) -> bool:
        """Tell whether it accepts webhooks."""
        try:
            with self._look() as answer:
                return answer.status == 200
        except OSError:
            return False

    def waiting(self) -> int:
        """Return how many deliveries it has accepted and not passed on yet: only ours may answer before that."""
        if self.name != OURS:
            return 0
        try:
            with self._look() as answer:
                return int(json.load(answer)["spool"]["deliveries"])
        except urllib.error.HTTPError as refused:
            return int(json.load(refused)["spool"]["deliveries"])

    def _look(self) -> HTTPResponse:
        answer: HTTPResponse = _WEB.open(f"http://127.0.0.1:{self.port}{self.health}", timeout=5)
        return answer


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ours(program: Path, queue: str) -> Server:
    """Return our own server, with its default settings and a spool on the disk that holds the repository."""
    env = {"GITHUB_WEBHOOK_SECRET": payload.SECRET, "FIXPOINT__DATA__DIR": str(WORK / "data")}
    return Server(OURS, [str(program)], queue, "/health/ready", env=env)


def peers(workers: int) -> List[Server]:
    """Return all peers, from their copy. ``workers`` is what they are told to start: a process per core."""
    several = {"WORKERS": str(workers), "WEBHOOK_SECRET": payload.SECRET}

    def peer(name: str, folder: str, command: List[str], **env: str) -> Server:
        return Server(name, command, "ingest.github", "/healthz", COPY / folder, {**several, **env})

    uvicorn = [str(COPY / "py/bin/uvicorn"), "server:app", "--host", "127.0.0.1", "--port", "{port}"]
    quiet = ["--workers", str(workers), "--no-access-log", "--log-level", "warning"]
    node = ["node", "server.mjs"]
    return [
        peer("node-express", "node", node, HTTP="express"),
        peer("node-raw", "node", node, HTTP="raw"),
        peer("node-octokit", "node", node, HTTP="octokit", CONFIRM_TIMEOUT_MS="60000"),
        peer("go", "go", ["./peer-go"], CHANNELS="4"),
        peer("python", "python", [*uvicorn, *quiet]),
    ]


def prepared(workers: int, only: Sequence[str]) -> List[Server]:
    """Return the peers that can run here; print SKIPPED for the others."""
    wanted = [peer for peer in peers(workers) if not only or peer.name in only]
    if not wanted:
        return []
    if not PEERS.is_dir():
        print(f"SKIPPED {len(wanted)}: no peers in {PEERS}; set FIXPOINT_PEERS to the folder with ingest/ in it", flush=True)
        return []
    # What was installed into an earlier copy is kept.
    shutil.copytree(PEERS, COPY, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data", "log", "node_modules", "rmq"))
    found = []
    for kind in ("node", "go", "python"):
        group = [peer for peer in wanted if peer.name.split("-")[0] == kind]
        if not group:
            continue
        say(f"preparing {', '.join(peer.name for peer in group)}")
        done = subprocess.run(
            ["sh", str(HERE / "prepare.sh"), kind, str(COPY)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        (WORK / f"prepare-{kind}.log").write_text(done.stdout)
        if done.returncode == 0:
            found += group
        else:
            reason = (done.stdout.strip().splitlines() or ["no message"])[-1]
            print(f"SKIPPED {len(group)}: {', '.join(peer.name for peer in group)}: {reason}", flush=True)
    return found


def versions() -> Dict[str, str]:
    """Return what the servers were built from or run with."""
    asked = {
        "kernel": ["uname", "-r"],
        "node": ["node", "--version"],
        "go": ["cat", str(COPY / "go/version")],
        "python peer": [str(COPY / "py/bin/pip"), "list", "--format=freeze", "--disable-pip-version-check"],
        "node packages": ["node", "-e", _NODE_PACKAGES, str(COPY / "node/package-lock.json")],
        "ingest": ["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
    }
    found = {}
    for name, command in asked.items():
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if done.returncode == 0:
            lines = done.stdout.split("\n")
            if name == "python peer":
                lines = [line for line in lines if line.split("==")[0].lower() in ("fastapi", "uvicorn", "aio-pika")]
            found[name] = " ".join(line.strip() for line in lines if line)
    return found


_NODE_PACKAGES = """
const lock = require(process.argv[1]).packages;
console.log(Object.keys(lock[''].dependencies).map(name => name + '@' + lock['node_modules/' + name].version).join(' '));
"""
