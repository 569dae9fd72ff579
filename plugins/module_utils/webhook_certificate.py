# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate for a webhook's Service, made here where no cert-manager is.

A certificate authority signs one serving certificate and is then forgotten: its key is never stored, so nothing else
can ever be signed in its name. A renewal makes a new authority and trusts the old one beside it, because the pods
read the new certificate from their mounted Secret only about a minute after the API server trusts the new authority.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import certificates
from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Bundle

# Renewal happens only when somebody runs the role: long, and renewed with years to spare.
LIFETIME = datetime.timedelta(days=3650)


def renewed(current: Bundle | None, dns_names: t.Sequence[str], now: datetime.datetime) -> Bundle:
    """current itself while it can be used, else a new Bundle that also trusts current's authority."""
    if current is not None and certificates.serves(current, dns_names, now):
        return current
    fresh = issue(dns_names, now)
    old_authority = certificates.newest(current.ca, now) if current else ""
    return dataclasses.replace(fresh, ca=fresh.ca + old_authority)


def issue(dns_names: t.Sequence[str], now: datetime.datetime) -> Bundle:
    """A new authority and a serving certificate of it for dns_names."""
    authority = certificates.new_authority("k0smotron.ha webhook authority", now, LIFETIME)
    return certificates.sign(authority, dns_names, now, LIFETIME)
