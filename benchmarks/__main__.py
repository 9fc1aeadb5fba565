"""The command `uv run python -m benchmarks`, which writes the results beside this file."""

import sys
import time

from benchmarks import in_process, loopback, projects, starting
from benchmarks.arms import rendered
from benchmarks.in_process import REQUESTS
from benchmarks.results import FOLDER, Results, write

QUICK = {name: REQUESTS[name] for name in ("exact", "pattern", "refused", "preflight")}


def main() -> None:
    """Measure in the order of the page."""
    if not loopback.is_installed():
        sys.exit("wrk is not installed: apt-get install wrk")
    began = time.monotonic()

    def progress(what: str) -> None:
        print(f"\r{time.monotonic() - began:4.0f} s  {what:<60}", end="", flush=True)

    with rendered() as services:
        results = Results(
            projects=projects.measure(4, progress),
            requests=in_process.measure(in_process.arms(services), REQUESTS, 21, 20, progress),
            lists=in_process.measure(in_process.lists(services), QUICK, 15, 20, progress),
            loads=loopback.measure(services, 5, progress),
            starts=starting.measure(services, 11, 100_000, progress),
        )
    write(results)
    progress(f"written to {FOLDER}")
    print()


if __name__ == "__main__":
    main()
