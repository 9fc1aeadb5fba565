"""The command that runs the tests of FastAPI and Starlette with and without the library.

`uv run python -m scripts.foreign_suites [--share] [starlette] [fastapi]` downloads the versions
that the table of differences names. `--share` runs the files that the project's own tests run. The
command exits with status 1 if the table does not explain a different test, or if a line of the
table does not hold.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.foreign_suites.differences import SUITES
from scripts.foreign_suites.suites import Checkout, Suite, compare


def report(suite: Suite, folder: Path, files: tuple[str, ...]) -> list[str]:
    """Compare a suite in each mode, print the differences, and return the unexplained ones."""
    checkout = Checkout(suite, folder)
    checkout.install()
    problems = []
    for found in compare(checkout, files):
        same = found.count - len(found.different)
        print(f"{suite.name} {suite.version}, {found.mode}: {found.count} tests, ", end="")
        print(f"{same} same, {len(found.different)} different")
        for line in suite.differences:
            if found.mode in line.modes and line.tests.startswith(files):
                print(f"    {line.count:3} {line.tests} {line.reason}")
        problems += found.problems
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.foreign_suites")
    parser.add_argument("--share", action="store_true", help="run the files of the project's tests")
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(SUITES)}")
    arguments = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.suites or SUITES:
            suite = SUITES[name]
            files = suite.share if arguments.share else ("tests/",)
            problems += report(suite, Path(folder), files)
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
