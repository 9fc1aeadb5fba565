"""Download, installation, run and comparison of the test suites of other projects."""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.baking import ROOT, SERVICE
from tests.support.uv import UV

PLUGIN = Path(__file__).parent / "plugin.py"
MODES = ("development", "development, credentials", "production")
LONG = 3600  # seconds that a whole suite may take, on a busy machine
BACKENDS = ("hatchling", "pdm-backend")  # the build tools of the source distributions

Outcomes = dict[str, str]  # by test


class SuiteError(Exception):
    """The failure of a suite's download or run."""


@dataclass(frozen=True)
class Difference:
    """Tests of a file with another outcome behind a policy: their number and the reason.

    `tests` is the beginning of their names.
    """

    tests: str
    modes: tuple[str, ...]
    count: int
    reason: str


@dataclass(frozen=True)
class Suite:
    """The tests in the source distribution of a version, and the list of their needs.

    `share` are the files that the project's own tests run. `pins` are packages that the suite would
    otherwise install in the latest version.
    """

    name: str
    version: str
    extra: str
    group: str
    share: tuple[str, ...]
    differences: tuple[Difference, ...]
    pins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checkout:
    """A suite in a folder, with its own environment."""

    suite: Suite
    folder: Path

    @property
    def source(self) -> Path:
        """Return the unpacked source distribution."""
        return self.folder / f"{self.suite.name}-{self.suite.version}"

    @property
    def environment(self) -> Path:
        """Return the environment, which has the needs of the suite and the library."""
        return self.folder / f"{self.suite.name}-environment"

    def install(self) -> None:
        """Download the suite, and make its environment.

        Raise SuiteError if that is not possible.
        """
        needed = [word for name in BACKENDS for word in ("--with", name)]
        pip = ["pip", "download", "--no-deps", "--no-build-isolation", "--no-binary"]
        wanted = [self.suite.name, f"{self.suite.name}=={self.suite.version}"]
        call([UV, "tool", "run", *needed, *pip, *wanted], self.folder)
        with tarfile.open(f"{self.source}.tar.gz") as archive:
            archive.extractall(self.folder, filter="data")
        call([UV, "venv", "--python", sys.executable, str(self.environment)], self.folder)
        own = f"{self.source}[{self.suite.extra}]"
        group = f"{self.source / 'pyproject.toml'}:{self.suite.group}"
        library = ["--requirements", str(ROOT / "pyproject.toml")]
        install = [UV, "pip", "install", "--python", str(self.environment)]
        call([*install, own, *self.suite.pins, "--group", group, *library], self.folder)

    def start(self, mode: str | None, files: Iterable[str]) -> "Run":
        """Start the tests of files, with the policy of a mode or without a policy."""
        # The plug-in's folder contains nothing else that the suite could import.
        plugin = self.folder / "plugin"
        plugin.mkdir(exist_ok=True)
        (plugin / "foreign_plugin.py").write_bytes(PLUGIN.read_bytes())
        outcomes = self.folder / f"{self.suite.name} {mode}.json"
        outcomes.unlink(missing_ok=True)
        variables = {
            "PYTHONPATH": os.pathsep.join([str(plugin), str(SERVICE)]),
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "FOREIGN_SUITE": self.suite.name,
            "FOREIGN_OUTCOMES": str(outcomes),
            **({"FOREIGN_MODE": mode} if mode else {}),
        }
        left_out = re.compile("PYTEST_.*|PYTHONDONTWRITEBYTECODE")  # each run would compile again
        shell = {name: os.environ[name] for name in os.environ if not left_out.fullmatch(name)}
        options = ["-q", "-p", "no:cacheprovider", "-p", "foreign_plugin", "--tb=line"]
        with (self.folder / f"{self.suite.name} {mode}.log").open("w") as log:
            popen = subprocess.Popen(
                [str(self.environment / "bin" / "python"), "-m", "pytest", *options, *files],
                cwd=self.source,
                env=shell | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return Run(popen, outcomes, Path(log.name))


@dataclass(frozen=True)
class Run:
    """A running suite."""

    popen: subprocess.Popen[bytes]
    outcomes: Path
    log: Path

    def result(self) -> Outcomes:
        """Wait for the end, and return the outcome of each test."""
        self.popen.wait(LONG)
        if not self.outcomes.exists():
            raise SuiteError(f"The tests did not run:\n{self.log.read_text()[-2000:]}")
        found: Outcomes = json.loads(self.outcomes.read_text("utf-8"))
        return found


def call(command: Sequence[str], folder: Path) -> None:
    """Run a command, quietly unless it fails."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise SuiteError(f"{' '.join(command)}:\n{ended.stderr.strip()[-2000:]}")


def outcomes(
    checkout: Checkout, files: Iterable[str], modes: Iterable[str | None]
) -> dict[str | None, Outcomes]:
    """Run the tests of files in several modes at once; None is the mode without a policy."""
    files = list(files)
    runs = {mode: checkout.start(mode, files) for mode in modes}
    try:
        return {mode: run.result() for mode, run in runs.items()}
    finally:
        for run in runs.values():
            run.popen.kill()


def differing(plain: Outcomes, behind: Outcomes) -> list[str]:
    """Return the tests that have another outcome behind a policy."""
    return [test for test in plain | behind if plain.get(test) != behind.get(test)]


@dataclass(frozen=True)
class Comparison:
    """A mode compared with no policy: the number of tests, differences and problems."""

    mode: str
    count: int
    different: list[str]
    problems: list[str]


def compare(checkout: Checkout, files: Sequence[str]) -> list[Comparison]:
    """Run the tests of files in each mode, and compare the differences with the table.

    Some tests have time limits that a busy machine exceeds. If the table does not explain a
    difference, this function runs the files of the different tests again, alone.
    """
    # The first run compiles the packages for the others.
    found = outcomes(checkout, files, [None]) | outcomes(checkout, files, MODES)
    comparisons = []
    for mode in MODES:
        tests = differing(found[None], found[mode])
        problems = unexplained(checkout.suite.differences, mode, tests, files)
        if problems and tests:
            named = sorted({test.partition("::")[0] for test in tests})
            again = {each: outcomes(checkout, named, [each])[each] for each in (None, mode)}
            tests = differing(again[None], again[mode])
            problems = unexplained(checkout.suite.differences, mode, tests, files)
        comparisons.append(Comparison(mode, len(found[None]), tests, problems))
    return comparisons


def unexplained(
    differences: Iterable[Difference], mode: str, tests: Iterable[str], files: Sequence[str]
) -> list[str]:
    """Return the disagreements between the table and the tests that differ in a mode.

    `files` are the files of the run. The function skips the lines of other files.
    """
    lines = [
        line
        for line in differences
        if mode in line.modes and any(line.tests.startswith(file) for file in files)
    ]
    found: Counter[Difference] = Counter()
    problems = []
    for test in tests:
        # The longest beginning belongs to the test.
        meant = [line for line in lines if test.startswith(line.tests)]
        if meant:
            found[max(meant, key=lambda line: len(line.tests))] += 1
        else:
            problems.append(f"{mode}: {test} differs, and no line of the table says why")
    for line in lines:
        if found[line] != line.count:
            problems.append(
                f"{mode}: {line.tests} differs in {found[line]} tests; the table says {line.count}"
            )
    return problems
