# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of pg_hba that keep plaintext out, whatever else a user puts there. Pure."""

from __future__ import annotations

import typing as t

REFUSE_PLAINTEXT = "hostnossl all all all reject"


def refuses_plaintext(rules: t.Iterable[str]) -> bool | None:
    """Whether these rules refuse connections without TLS; None when rules that are not ours decide."""
    for rule in rules:
        words = rule.split()
        if words == REFUSE_PLAINTEXT.split():
            return True
        if words and words[0] not in ("local", "hostssl"):
            return None
    return False


def refusing_plaintext(rules: t.Sequence[str]) -> list[str]:
    """These rules with ours before them: PostgreSQL takes the first that fits."""
    return [*rules] if refuses_plaintext(rules) else [REFUSE_PLAINTEXT, *rules]
