# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible filter: what PostgreSQL stores of a password."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scram_verifier
short_description: What PostgreSQL stores of a password
version_added: 0.2.0
author:
  - k0smotron.ha contributors (@k0smotron-ha)
description:
  - PostgreSQL 10 and newer takes it in the password's place. So the password is in no statement, and in no log of statements.
  - Its salt is random. So it is another one each time, and tells nobody whether the password is the same.
positional: _input
options:
  _input:
    description: The password.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Create an account
  community.postgresql.postgresql_user:
    name: team_a
    password: "{{ password | k0smotron.ha.scram_verifier }}"
"""

RETURN = r"""
_value:
  description: The SCRAM-SHA-256 verifier.
  type: str
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.scram import scram


def scram_verifier(password: t.Any) -> str:
    """Of a password, which in YAML may be a number."""
    return scram(str(password))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[[t.Any], str]]:
        return {"scram_verifier": scram_verifier}
