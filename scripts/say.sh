# One line per step, on standard error so that output can be piped; sourced by the other scripts.
say() { printf '▸ %s\n' "$*" >&2; }
stop() { printf '✗ %s\n' "$*" >&2; exit "${STOP_CODE:-2}"; }

# A port of the loopback interface that nobody listens on right now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Whether an address, http://host:port/path, answers 200; its answer goes to standard output.
answers() {
    python3 - "$1" 2>/dev/null <<'PYTHON'
import sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    print(opener.open(sys.argv[1], timeout=2).read().decode(errors="replace"))
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode(errors="replace"))
    sys.exit(1)
PYTHON
}
