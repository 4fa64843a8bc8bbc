"""Makes the command ``reconciler`` available to the steps that follow, from exactly what is
pinned."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from runner import Refused, output, say, scratch, tell, variable

ACTION = Path(__file__).resolve().parent
OLDEST = (3, 11)


def installed(source: str, workspace: Path) -> Path:
    """The command. Raises ``Refused``."""
    if source == "path":
        found = shutil.which("reconciler")
        if found is None:
            raise Refused(
                "install: path, and there is no reconciler on PATH", "Install it on the runner"
            )
        return Path(found)
    if sys.version_info < OLDEST:
        raise Refused(
            f"python3 is {sys.version.split()[0]}", "The reconciler needs Python 3.11 or newer"
        )
    if source == "action":
        root = ACTION.parents[2]
        if not (root / "reconciler" / "__main__.py").is_file():
            raise Refused(
                "install: action, and this action's repository is not that of the reconciler",
                "Name a file of requirements instead",
            )
        folder = _environment(root / "requirements.txt", root)
        command = folder / "bin" / "reconciler"
        command.write_text(
            f"#!{folder / 'bin' / 'python'} -I\nimport sys\nsys.path.append({str(root)!r})\n"
            "from reconciler.cli.main import main\nsys.exit(main())\n",
            encoding="utf-8",
        )
        command.chmod(0o755)
        return command
    file = workspace / source
    if not file.is_file():
        raise Refused(
            f"install: there is no file {source}",
            "It holds the reconciler's requirements and its wheel, each with its hash",
        )
    command = _environment(file, workspace) / "bin" / "reconciler"
    if not command.is_file():
        raise Refused(
            f"install: {source} does not bring the reconciler", "Add its wheel, with its hash"
        )
    return command


def _environment(requirements: Path, directory: Path) -> Path:
    """A new virtual environment with what ``requirements`` pins.

    Paths in there are relative to ``directory``.
    """
    folder = scratch() / "venv"
    venv.create(folder, with_pip=True, clear=True)
    # -I: what lies in ``directory`` is no module of Python, a folder `pip` or `json` above all.
    pip = [
        str(folder / "bin" / "python"),
        "-I",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
    ]
    done = subprocess.run(  # noqa: S603 - a list, no shell
        [*pip, "--quiet", "--require-hashes", "--requirement", str(requirements)],
        cwd=directory,
        check=False,
    )
    if done.returncode:
        raise Refused(f"pip cannot install {requirements.name}", "Its message is above")
    return folder


def version_of(command: Path, wanted: str) -> str:
    """Raises ``Refused`` when it is not the ``wanted`` one; empty: any will do."""
    done = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    version = done.stdout.split()[-1]
    if wanted not in ("", version):
        raise Refused(
            f"this is version {version}, not {wanted}",
            "Correct the input version or what is installed",
        )
    return version


def main() -> int:
    try:
        command = installed(variable("INPUT_INSTALL"), Path(variable("GITHUB_WORKSPACE") or "."))
        version = version_of(command, variable("INPUT_VERSION"))
    except Refused as refused:
        tell("error", str(refused))
        return 1
    say(f"reconciler {version}")
    output("reconciler", str(command))
    return 0


if __name__ == "__main__":
    sys.exit(main())
