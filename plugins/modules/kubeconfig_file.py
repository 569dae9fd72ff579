#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a file with a control plane's kubeconfig."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig_file
short_description: Keep a file with the administrator's kubeconfig of a control plane
version_added: 0.1.0
description:
  - Writes the kubeconfig that k0smotron made to a file that only its owner may read.
  - A file that leads to the same server, trusts the same authority and is far from its end stays as it is. k0smotron
    renews its own copy all the time, with the same rights.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
options:
  name:
    description:
      - Name of the control plane.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the control plane.
    type: str
    required: true
  path:
    description:
      - The file, on the host that runs the task. Its folder has to exist.
    type: path
    required: true
requirements:
  - cryptography >= 42
seealso:
  - module: k0smotron.ha.cluster
  - module: k0smotron.ha.control_plane
"""

EXAMPLES = r"""
- name: Take the kubeconfig
  k0smotron.ha.kubeconfig_file:
    name: team-a
    namespace: team-a
    path: ~/team-a.kubeconfig
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
"""

import base64
import datetime
import os
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes, kubeconfig_file
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
}


def main() -> t.NoReturn:
    run(ARGUMENTS, act)


def act(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """Write the file unless it may stay."""
    if kubeconfig_file.IMPORT_ERROR:
        raise HaError(missing_required_lib("cryptography", reason="to read the certificate in a kubeconfig"))
    path = module.params["path"]
    wanted = read_secret(kube, module.params["name"], module.params["namespace"])
    existing = read(path)
    stays = wanted is not None and kubeconfig_file.may_stay(existing, wanted, datetime.datetime.now(datetime.UTC))
    opened = bool(existing) and module.set_mode_if_different(path, "0600", changed=False)
    if not stays and not module.check_mode:
        write(path, wanted or "")
    return {"changed": not stays or opened, "path": path, "diff": difference(path, existing, stays)}


def difference(path: str, existing: str, stays: bool) -> dict[str, str]:
    """Ansible's diff, without a word of what the file holds."""
    before = "a kubeconfig\n" if existing else ""
    after = before if stays else f"{'another' if existing else 'a'} kubeconfig\n"
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def read_secret(kube: Kube, name: str, namespace: str) -> str | None:
    """The kubeconfig in the control plane's Secret; None in check mode when there is none yet."""
    secret_name = control_planes.kubeconfig_secret(name)
    secret = kube.get("v1", "Secret", secret_name, namespace)
    if secret is not None:
        return base64.b64decode(secret["data"]["value"]).decode()
    if kube.check_mode:
        return None
    raise NotFound(f"There is no Secret {secret_name} in namespace {namespace}", "Wait until the control plane is up")


def read(path: str) -> str:
    """The file's text; "" when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HaError(f"{path} cannot be read: {error}", "Name another file") from error


def write(path: str, text: str) -> None:
    """Replace the file as a whole. At no moment may others read it; Ansible's atomic_move would open a new file to them."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise NotFound(f"The folder of {path} does not exist", "Create it, or name another file")
    descriptor, temporary = tempfile.mkstemp(dir=folder)  # mkstemp makes it 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


if __name__ == "__main__":
    main()
