# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes.core's action plugin under our modules' names: it reads kubeconfig on the controller, even a vaulted one.

The other names in this folder are links to this file. Routing in meta/runtime.yml would do the same, but ansible-lint
then takes kubernetes.core.k8s_info for the modules' real name.
"""

from __future__ import annotations

from ansible_collections.kubernetes.core.plugins.action.k8s_info import ActionModule

__all__ = ["ActionModule"]
