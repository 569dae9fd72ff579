# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on a copy of the working tree.

ansible-test runs only inside a folder named ``ansible_collections/<namespace>/<name>``, which a checkout seldom is, and
looks at every file there. So the files that git knows (or would add) are copied to such a place first.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".build" / "sanity"
COLLECTION = WORK / "ansible_collections" / "k0smotron" / "ha"
REPORTS = COLLECTION / "tests" / "output" / "junit"

# ansible-test makes a virtual environment for each tool it runs and fetches pip's bootstrap script for it from its
# project's own server. A machine that reaches only a package index cannot; Python brings the same thing as ensurepip.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", *wanted]))
"""


def tracked_files() -> list[str]:
    """Every file of the work tree that git tracks or would add, relative to the root; deleted ones left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in names.split("\0") if name and (ROOT / name).exists()})


def copy_tree() -> None:
    """Make COLLECTION equal to the tracked files, and put kubernetes.core beside it (its doc fragments are used)."""
    shutil.rmtree(COLLECTION, ignore_errors=True)
    for name in tracked_files():
        target = COLLECTION / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    # A repository of its own: otherwise ansible-test finds the outer one, which ignores .build.
    subprocess.run(["git", "init", "--quiet"], cwd=COLLECTION, check=True)
    link = WORK / "ansible_collections" / "kubernetes"
    link.unlink(missing_ok=True)
    link.symlink_to(installed_collection("kubernetes"))


def installed_collection(namespace: str) -> Path:
    """The folder of an installed collection namespace: from the ``ansible`` package, or from the user's collections."""
    spec = importlib.util.find_spec("ansible_collections")
    places = list(spec.submodule_search_locations or ()) if spec else []
    places.append(str(Path.home() / ".ansible" / "collections" / "ansible_collections"))
    for place in places:
        if (Path(place) / namespace).is_dir():
            return Path(place) / namespace
    sys.exit(f"No {namespace} collection found: run `ansible-galaxy collection install -r requirements.yml` first.")


def provide_pip(home: Path) -> None:
    """Put our bootstrap script where ansible-test caches the one it would download."""
    import ansible_test._internal.python_requirements as requirements

    source = Path(str(requirements.__file__)).read_text(encoding="utf-8")
    found = re.search(r"pip='([0-9.]+)'", source)
    if not found:
        sys.exit("tools/sanity.py does not know this ansible-test: no pip version found in python_requirements.py.")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{found[1].replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")


def keep_pip_settings(home: Path) -> None:
    """Write this user's pip settings (index, certificate) to the new home: ansible-test drops PIP_* variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    settings = {}
    for line in listed.splitlines():  # for example: global.index-url='https://...' or :env:.timeout='60'
        key, _equals, value = line.partition("=")
        settings[key.rpartition(".")[2]] = ast.literal_eval(value)
    target = home / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = ["[global]", *(f"{key} = {value}" for key, value in settings.items()), ""]
    target.write_text("\n".join(lines), encoding="utf-8")


def main() -> int:
    """Copy, run, and hand back ansible-test's exit code; arguments are handed on (``--test validate-modules``)."""
    copy_tree()
    home = WORK / "home"
    provide_pip(home)
    keep_pip_settings(home)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--python", python, "--junit", "--color", "no", *sys.argv[1:]]
    return subprocess.call(command, cwd=COLLECTION, env={**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"})


if __name__ == "__main__":
    sys.exit(main())
