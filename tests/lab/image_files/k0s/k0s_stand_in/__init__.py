# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k0s's command line around the real kine and the real Kubernetes control plane.

It does what k0smotron asks of k0s, and the hosted API behaves alike because the same programs serve it. It is not k0s:
no konnectivity, no workers, no autopilot, no manifest deployer, no storage but kine.
"""
