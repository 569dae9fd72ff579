# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of this collection promises, and how it finds the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """`k0smotron.ha.attributes` for modules that change something, `k0smotron.ha.attributes.info` for the others."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
attributes:
  check_mode:
    description: Can run in C(check_mode) and predict the changes.
    support: full
  diff_mode:
    description: Shows what changed. Values of Secrets and passwords in URLs are hidden.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
  action_group:
    description: Takes common options from C(module_defaults) for C(group/k0smotron.ha.all).
    support: full
    membership:
      - k0smotron.ha.all
notes:
  - Finds the cluster as M(kubernetes.core.k8s) does, by these options, by E(K8S_AUTH_KUBECONFIG) and the other
    C(K8S_AUTH_*) variables, or by E(KUBECONFIG).
  - Objects are applied by the server with the field manager C(k0smotron.ha). What others set beside it stays.
"""

    INFO = r"""
options: {}
requirements:
  - python >= 3.11
  - kubernetes >= 24.2.0
attributes:
  check_mode:
    description: Can run in C(check_mode), and does the same there.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
  action_group:
    description: Takes common options from C(module_defaults) for C(group/k0smotron.ha.all).
    support: full
    membership:
      - k0smotron.ha.all
notes:
  - Finds the cluster as M(kubernetes.core.k8s) does, by these options, by E(K8S_AUTH_KUBECONFIG) and the other
    C(K8S_AUTH_*) variables, or by E(KUBECONFIG).
"""
