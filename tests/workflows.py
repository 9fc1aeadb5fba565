"""The script lines of GitHub's workflows, run in bash as a runner does it."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
# What GitHub's own command does, as far as the workflows use it: it notes what it is asked for.
GH = """#!/bin/sh
echo "$@" >>"$GH_LOG"
if [ "$1 $2" = "pr list" ]; then cat "$GH_LOG.count"; fi
"""


@dataclass
class Runner:
    """A machine with Python and git, and with a `gh` that asks nobody.

    `variables` are its environment, `values` what expressions stand for, such as
    `inputs.repository`. `pulls` is the number of pull requests that there are already.
    """

    folder: Path
    variables: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    pulls: int = 0

    @property
    def log(self) -> str:
        """What `gh` was asked for, a line each."""
        file = self.folder / "gh.log"
        return file.read_text("utf-8") if file.exists() else ""

    def run(self, workflow: Path, where: Path) -> tuple[int, str]:
        """Run the steps of a workflow's job until one fails; return its status and the output."""
        (job,) = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
        bin_folder, output = self.folder / "gh", self.folder / "output"
        bin_folder.mkdir(exist_ok=True)
        (bin_folder / "gh").write_text(GH, encoding="utf-8")
        (bin_folder / "gh").chmod(0o755)
        (self.folder / "gh.log.count").write_text(f"{self.pulls}\n", encoding="utf-8")
        environment = {
            **self.variables,
            "PATH": os.pathsep.join([str(bin_folder), self.variables["PATH"]]),
            "GH_LOG": str(self.folder / "gh.log"),
            "GITHUB_OUTPUT": str(output),
            "RUNNER_TEMP": str(self.folder),
        }
        said = ""
        for step in job["steps"]:
            if "run" not in step or not self.value(step.get("if", "")):
                continue
            output.write_text("", encoding="utf-8")
            own = self.environment(job) | self.environment(step)
            ended = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=where,
                env=environment | own,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            said += ended.stdout
            for line in output.read_text("utf-8").splitlines():
                name, _, value = line.partition("=")
                self.values[f"steps.{step['id']}.outputs.{name}"] = value
            if ended.returncode:
                return ended.returncode, said
        return 0, said

    def value(self, condition: str) -> bool:
        """Whether a step's condition holds: none, or an output that a step has set."""
        return not condition or bool(self.values.get(condition))

    def environment(self, owner: Mapping[str, Any]) -> dict[str, str]:
        """Return the variables of a job or step, with the values of their expressions."""
        return {
            name: EXPRESSION.sub(lambda match: self.values[match[1]], str(text))
            for name, text in owner.get("env", {}).items()
        }
