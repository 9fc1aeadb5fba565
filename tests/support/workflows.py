"""GitHub's workflows, whose script lines bash runs as on a runner."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
# A stand-in for GitHub's own command, limited to the workflows' use: it logs its arguments, and
# counts the pull requests of a head.
GH = """#!/bin/sh
echo "$@" >>"$GH_LOG"
for argument; do
    case $argument in head=*) grep -cxF "${argument#head=}" "$GH_LOG.heads" || true ;; esac
done
"""


@dataclass
class Runner:
    """A machine with Python, git, and a `gh` without a network.

    `variables` are its environment, and `values` the values of expressions, such as
    `inputs.repository`. `pulls` are the heads (`owner:branch`) of existing pull requests.
    """

    folder: Path
    variables: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)
    said: str = ""

    @property
    def log(self) -> str:
        """Return the calls of `gh`, one per line."""
        file = self.folder / "gh.log"
        return file.read_text("utf-8") if file.exists() else ""

    def run(self, workflow: Path, clone: Path, only: str | None = None) -> int:
        """Run a workflow's jobs, or one, each in a fresh copy of a clone; return their status."""
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        (programs / "gh").write_text(GH, encoding="utf-8")
        (programs / "gh").chmod(0o755)
        (self.folder / "gh.log.heads").write_text("\n".join(self.pulls), encoding="utf-8")
        read = yaml.safe_load(workflow.read_text("utf-8"))
        folder = read.get("defaults", {}).get("run", {}).get("working-directory", ".")
        for name, job in read["jobs"].items():
            if not self.holds(job) or only not in (None, name):
                continue
            work, temporary = self.folder / f"work-{name}", self.folder / f"temporary-{name}"
            for used in (work, temporary):
                shutil.rmtree(used, ignore_errors=True)
            shutil.copytree(clone, work, symlinks=True)
            temporary.mkdir()
            self.values["runner.temp"] = str(temporary)
            for step in filter(self.holds, job["steps"]):
                if status := self.run_step(step, work / folder, read.get("env", {})):
                    return status
            for output, text in job.get("outputs", {}).items():
                self.values[f"needs.{name}.outputs.{output}"] = self.filled(text)
        return 0

    def run_step(self, step: Mapping[str, Any], work: Path, shared: Mapping[str, str]) -> int:
        """Run a step's script, or save or load an artifact, and return the status."""
        action = step.get("uses", "").partition("@")[0]
        kept = self.folder / "artifacts" / step.get("with", {}).get("name", "")
        if action == "actions/upload-artifact":
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.filled(step["with"]["path"]), kept)
        elif action == "actions/download-artifact":
            shutil.copytree(kept, self.filled(step["with"]["path"]), dirs_exist_ok=True)
        if "run" not in step:
            return 0
        output = self.folder / "output"
        output.write_text("", encoding="utf-8")
        variables = {
            **self.variables,
            **shared,
            "PATH": os.pathsep.join([str(self.folder / "programs"), self.variables["PATH"]]),
            "GH_LOG": str(self.folder / "gh.log"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "org/service",
            "GITHUB_REPOSITORY_OWNER": "org",
            "RUNNER_TEMP": self.values["runner.temp"],
        }
        ended = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=work,
            env=variables | {name: self.filled(text) for name, text in step.get("env", {}).items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said += ended.stdout
        for line in output.read_text("utf-8").splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        return ended.returncode

    def holds(self, job_or_step: Mapping[str, Any]) -> bool:
        """Return whether a condition holds: no condition, or the name of an output with a value."""
        condition = job_or_step.get("if")
        return condition is None or bool(self.values.get(condition))

    def filled(self, text: str) -> str:
        """Return a text with the values of its expressions, which are empty for missing outputs."""
        return EXPRESSION.sub(lambda match: self.values.get(match[1], ""), text)
