# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a live database cluster: its operator's objects, and what its servers answer. Changes nothing."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import fetch
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore, Question
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Observed: t.TypeAlias = dict[str, list[Object]]


def judge(kube: Kube, store: Datastore) -> Verdict:
    """What the operator, the pods and the Secrets say, without trying a write."""
    return store.judge(observe(kube, store))


def observe(kube: Kube, store: Datastore) -> Observed:
    """What a Datastore wants to see, and to hear from its servers, for its judgement."""
    observed = {ref.key: fetch(kube, ref) for ref in store.refs_for_judgement()}
    return {**observed, **ask(kube, store.options.namespace, store.questions(observed))}


def ask(kube: Kube, namespace: str, questions: t.Sequence[Question]) -> Observed:
    """What servers answer, by each Question's key."""
    return {each.key: [_answer(kube, namespace, each)] for each in questions}


def _answer(kube: Kube, namespace: str, question: Question) -> Object:
    try:
        return {"output": kube.exec(namespace, question.pod, question.command, question.container)}
    except HaError as error:  # whether that is fatal, or passes, is the judgement's business
        return {"problem": error.message}
