"""A server under measurement: its own session, so that its children are found, and what they cost according to /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

TICK = os.sysconf("SC_CLK_TCK")


def pinned(cores: Sequence[int], command: Sequence[str]) -> List[str]:
    """Return the command, bound to some cores."""
    return ["taskset", "-c", ",".join(map(str, cores)), *command] if cores else list(command)


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system seconds of processes, and of those of their children that have ended."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        # After the name: state is field 3, utime, stime, cutime, cstime are fields 14 to 17.
        ticks += sum(map(int, fields[11:15])) if fields else 0
    return ticks / TICK


def _stat(pid: int) -> List[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class Process:
    """What was started, with everything that it has started itself."""

    def __init__(self, command: Sequence[str], cores: Sequence[int], env: Dict[str, str], cwd: Path, log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                pinned(cores, command), env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def pids(self) -> List[int]:
        """Return the live processes of the session, zombies aside."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                fields = _stat(int(name))
                if fields and fields[3] == str(self._child.pid) and fields[0] != "Z":
                    found.append(int(name))
        return found

    def ended(self) -> bool:
        """Tell whether the first process is gone."""
        return self._child.poll() is not None

    def cpu(self) -> float:
        """User and system seconds so far."""
        return cpu_seconds(self.pids())

    def memory(self) -> Dict[str, float]:
        """Return MiB: resident now, its share where pages are shared, and the sum of the peaks."""
        sums = {"rss": 0.0, "pss": 0.0, "peak": 0.0}
        for pid in self.pids():
            for file, key, name in (
                ("status", "VmRSS:", "rss"),
                ("smaps_rollup", "Pss:", "pss"),
                ("status", "VmHWM:", "peak"),
            ):
                sums[name] += _kib(pid, file, key) / 1024
        return {name: round(value, 1) for name, value in sums.items()}

    def stop(self, patience: float = 15) -> None:
        """Ask it to end; then insist."""
        if not self.ended():
            self._child.terminate()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """kill -9, all of it."""
        for _ in range(5):
            pids = self.pids()
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not pids:
                break
            time.sleep(0.1)
        self._child.wait(10)

    def last_words(self) -> Optional[str]:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else None


def _kib(pid: int, file: str, key: str) -> int:
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
