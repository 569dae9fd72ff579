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
  - The file is replaced, or deleted, as a whole. So one that holds anything else than the cluster C(NAME-k0s), the user
    C(NAME-admin) and the context of both, as k0smotron calls them, is an error, in check mode too, and left as it is.
    An empty one, and the one of a control plane that was removed and made anew, may go.
  - Only addresses, certificates, keys, tokens and names are written. Whoever may write the Secret could have C(kubectl) run a
    program with your rights, so a kubeconfig with anything else, such as C(exec) or a path, is an error.
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
      - It has to be a file of its own, not one with the access to other clusters, such as C(~/.kube/config) often is.
    type: path
    required: true
  state:
    description:
      - V(present) writes the file. V(absent) deletes it, and needs neither the control plane nor a connection to its cluster.
    type: str
    choices: [present, absent]
    default: present
    version_added: 0.2.0
  required:
    description:
      - Fail where the control plane has no kubeconfig yet, as one that is paused or was not waited for. With V(false) the file
        stays as it is then, and a later run writes it.
    type: bool
    default: true
    version_added: 0.2.0
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

- name: Delete it with the control plane
  k0smotron.ha.kubeconfig_file:
    name: team-a
    namespace: team-a
    path: ~/team-a.kubeconfig
    state: absent
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
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run_detached
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import WRITTEN_AGAIN

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "required": {"type": "bool", "default": True},
}


def main() -> t.NoReturn:
    run_detached(ARGUMENTS, act)


def act(module: AnsibleModule, cluster: t.Callable[[], Kube]) -> dict[str, t.Any]:
    """Bring the file to the wanted state. Without one to write, no cluster is asked."""
    return absent(module) if module.params["state"] == "absent" else present(module, cluster())


def absent(module: AnsibleModule) -> dict[str, t.Any]:
    """Delete the file, unless it holds something else."""
    if kubeconfig_file.YAML_IMPORT_ERROR:
        raise HaError(missing_required_lib("PyYAML", reason="to see what the file holds"))
    path = module.params["path"]
    existing = read(path)
    kubeconfig_file.refuse_others(path, existing, module.params["name"])
    there = os.path.lexists(path)
    if there and not module.check_mode:
        delete(path)
    return {"changed": there, "path": path, "diff": difference(path, "a kubeconfig\n" if there else "", "")}


def present(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """Write the file unless it may stay."""
    if kubeconfig_file.IMPORT_ERROR:
        raise HaError(missing_required_lib("cryptography", reason="to read the certificate in a kubeconfig"))
    path = module.params["path"]
    wanted = read_secret(module.params, kube)
    existing = read(path)
    stays = wanted is not None and kubeconfig_file.may_stay(existing, wanted, datetime.datetime.now(datetime.UTC))
    if not stays:
        kubeconfig_file.refuse_others(path, existing, module.params["name"])
        require_folder(path)
        stays = wanted is None and not module.params["required"]
    opened = bool(existing) and module.set_mode_if_different(path, "0600", changed=False)
    if not stays and not module.check_mode:
        write(path, wanted or "")
    before = "a kubeconfig\n" if existing else ""
    after = before if stays else f"{'another' if existing else 'a'} kubeconfig\n"
    return {"changed": not stays or opened, "path": path, "diff": difference(path, before, after)}


def difference(path: str, before: str, after: str) -> dict[str, str]:
    """Ansible's diff, without a word of what the file holds."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def read_secret(params: t.Mapping[str, t.Any], kube: Kube) -> str | None:
    """The kubeconfig in the control plane's Secret; None when there is none yet, in check mode or where none is required."""
    namespace, secret_name = params["namespace"], control_planes.kubeconfig_secret(params["name"])
    secret = kube.get("v1", "Secret", secret_name, namespace)
    if secret is not None:
        return kubeconfig_in(secret, f"The Secret {secret_name} in namespace {namespace}")
    if kube.check_mode or not params["required"]:
        return None
    raise NotFound(f"There is no Secret {secret_name} in namespace {namespace}", "Wait until the control plane is up")


def kubeconfig_in(secret: t.Mapping[str, t.Any], what: str) -> str:
    """Its text. Raises HaError for a Secret that has none, or one that kubectl must not be given."""
    try:
        text = base64.b64decode((secret.get("data") or {})["value"], validate=True).decode()
    except (KeyError, ValueError):
        raise HaError(
            f"{what} holds no kubeconfig under the key value",
            WRITTEN_AGAIN,
        ) from None
    return kubeconfig_file.harmless(text, what)


def read(path: str) -> str:
    """The file's text; "" when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise HaError(f"{path} cannot be read: {error}", "Name another file") from error


def require_folder(path: str) -> None:
    """Raise HaError where no file can be written."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise NotFound(f"The folder of {path} does not exist", "Create it, or name another file")
    if not os.access(folder, os.W_OK):
        raise HaError(f"The folder of {path} is not ours to write to", "Allow it, or name another file")


def write(path: str, text: str) -> None:
    """Replace the file as a whole. At no moment may others read it; Ansible's atomic_move would open a new file to them."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:  # a part of the administrator's key must not stay behind
            os.unlink(temporary)
            raise
    except OSError as error:
        raise HaError(f"{path} cannot be written: {error}", "Name another file") from error


def delete(path: str) -> None:
    """Delete the file."""
    try:
        os.remove(path)
    except OSError as error:
        raise HaError(f"{path} cannot be deleted: {error}", "Delete it by hand") from error


if __name__ == "__main__":
    main()
