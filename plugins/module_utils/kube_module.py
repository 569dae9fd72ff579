# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module's main() calls: options and those of kubernetes.core, the connection, and errors as sentences.

The library `kubernetes` takes longer to load than most of what a module does, and more memory than all of it
(measured: 0.5 s and 35 MB). So it is loaded when a cluster is first asked for.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube


def run(
    spec: t.Mapping[str, t.Any], act: t.Callable[[AnsibleModule, Kube], dict[str, t.Any]], **module_kwargs: t.Any
) -> t.NoReturn:
    """A whole module: options of kubernetes.core plus spec, connection, act's result or its error as a sentence."""
    run_detached(spec, lambda module, cluster: act(module, cluster()), **module_kwargs)


def run_detached(
    spec: t.Mapping[str, t.Any],
    act: t.Callable[[AnsibleModule, t.Callable[[], Kube]], dict[str, t.Any]],
    **module_kwargs: t.Any,
) -> t.NoReturn:
    """run() for a module that may do without a cluster: act gets a function that connects when it is called."""
    argument_spec = {**AUTH_ARG_SPEC, **spec}
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **module_kwargs)
    try:
        result = act(module, lambda: _connected(module))
    except HaError as error:
        module.fail_json(msg=str(error))
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)
    raise AssertionError("exit_json ends the process")  # for readers that do not know Ansible, such as mypy


def _connected(module: AnsibleModule) -> Kube:
    from ansible_collections.k0smotron.ha.plugins.module_utils import kube, kube_client

    if kube_client.IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=kube_client.IMPORT_ERROR)
    return kube.Kube(kube_client.connect(module.params), check_mode=module.check_mode)
