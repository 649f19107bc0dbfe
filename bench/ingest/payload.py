"""The webhook that is sent: a `workflow_run` that failed, with GitHub's fields and exactly 8 KiB long."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any, Dict

SIZE = 8192
SECRET = "a secret of the benchmark"
API = "https://api.github.com"

_PEOPLE_LINKS = (
    "followers following{/other_user} gists{/gist_id} starred{/owner}{/repo} subscriptions orgs repos events{/privacy} "
    "received_events"
).split()
_REPOSITORY_LINKS = (
    "forks keys{/key_id} collaborators{/collaborator} teams hooks issues/events{/number} events assignees{/user} "
    "branches{/branch} tags git/blobs{/sha} git/tags{/sha} git/refs{/sha} git/trees{/sha} statuses/{sha} languages "
    "stargazers contributors subscribers subscription commits{/sha} git/commits{/sha} comments{/number} "
    "issues/comments{/number} contents/{+path} compare/{base}...{head} merges {archive_format}{/ref} downloads "
    "issues{/number} pulls{/number} milestones{/number} notifications{?since,all,participating} labels{/name} "
    "releases{/id} deployments"
).split()
_WORDS = (
    "the cart total rounds when a coupon and tax meet so keep cents until display add tests for zero quantity rename "
    "helper drop unused import fix typo in comment move price rules beside product guard against missing region"
).split()


def _field(link: str) -> str:
    """The name of the field that holds a link."""
    name = "".join(letter if letter.isalnum() else " " for letter in link).split()
    return "_".join(name[:2] if link.startswith(("git/", "issues/")) else name[:1]) + "_url"


def _person(login: str, number: int) -> Dict[str, Any]:
    base = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "url": base,
        "html_url": f"https://github.com/{login}",
        **{_field(link): f"{base}/{link}" for link in _PEOPLE_LINKS},
        "type": "User",
        "site_admin": False,
    }


def _repository(owner: Dict[str, Any]) -> Dict[str, Any]:
    base = f"{API}/repos/acme/shop"
    return {
        "id": 720145991,
        "name": "shop",
        "full_name": "acme/shop",
        "private": True,
        "owner": owner,
        "html_url": "https://github.com/acme/shop",
        "description": "Where customers buy",
        "fork": False,
        "url": base,
        **{_field(link): f"{base}/{link}" for link in _REPOSITORY_LINKS},
        "created_at": "2023-11-17T08:12:44Z",
        "pushed_at": "2026-03-03T10:15:30Z",
        "default_branch": "main",
    }


def _run(person: Dict[str, Any], head: str, message: str) -> Dict[str, Any]:
    base = f"{API}/repos/acme/shop/actions"
    run = f"{base}/runs/8125349001"
    return {
        "id": 8125349001,
        "name": "Tests",
        "head_branch": "main",
        "head_sha": head,
        "path": ".github/workflows/tests.yml",
        "display_title": message.splitlines()[0],
        "run_number": 1312,
        "event": "push",
        "status": "completed",
        "conclusion": "failure",
        "workflow_id": 76214533,
        "url": run,
        "html_url": "https://github.com/acme/shop/actions/runs/8125349001",
        "pull_requests": [],
        "created_at": "2026-03-03T10:15:34Z",
        "updated_at": "2026-03-03T10:18:02Z",
        "actor": {"login": person["login"], "id": person["id"], "type": "User"},
        "run_attempt": 1,
        "triggering_actor": {"login": person["login"], "id": person["id"], "type": "User"},
        "jobs_url": f"{run}/jobs",
        "logs_url": f"{run}/logs",
        "artifacts_url": f"{run}/artifacts",
        "workflow_url": f"{base}/workflows/76214533",
        "head_commit": {
            "id": head,
            "tree_id": hashlib.sha1(b"tree").hexdigest(),
            "message": message,
            "timestamp": "2026-03-03T10:15:29Z",
            "author": {"name": "Ada", "email": "ada@example.org"},
        },
        "head_repository": {"id": 720145991, "name": "shop", "full_name": "acme/shop"},
    }


def body() -> bytes:
    """Return the payload. A long commit message of ordinary words fills it up, so that it compresses like text."""
    words = random.Random(1)
    message = "Totals in cents\n\n"
    while True:
        person = _person("ada-example", 4081213)
        payload = {
            "action": "completed",
            "workflow_run": _run(person, hashlib.sha1(b"head").hexdigest(), message),
            "workflow": {"id": 76214533, "name": "Tests", "path": ".github/workflows/tests.yml", "state": "active"},
            "repository": _repository(_person("acme", 1342004)),
            "sender": person,
            "installation": {"id": 48115162},
        }
        written = json.dumps(payload, separators=(",", ":")).encode()
        missing = SIZE - len(written)
        if missing == 0:
            return written
        assert missing > 0, "the payload without its padding is too long"
        message += (words.choice(_WORDS) + " ")[:missing]


def signature(data: bytes) -> str:
    """Return what `X-Hub-Signature-256` says of a body."""
    return "sha256=" + hmac.new(SECRET.encode(), data, hashlib.sha256).hexdigest()
