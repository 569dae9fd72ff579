# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failover drill's pure core: what clients recorded, what must hold of it, and the certificate that says so.

Times are seconds since the drill began, by the monotonic clock of the machine that runs it.
"""
