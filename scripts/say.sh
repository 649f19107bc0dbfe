# One line per step, on standard error so that output can be piped; sourced by the other scripts.
say() { printf '▸ %s\n' "$*" >&2; }
stop() { printf '✗ %s\n' "$*" >&2; exit "${STOP_CODE:-2}"; }

# A port of the loopback interface that nobody listens on right now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
