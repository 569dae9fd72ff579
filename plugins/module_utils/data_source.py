# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the data source of a control plane before anything is created on it: Secret, key, URL, known database."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_lookup import datastore_behind, requires_tls
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, accept, checksum, lint, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube


@dataclasses.dataclass(frozen=True)
class Examined:
    """A data source that may be used: the checksum for the pods and its URL (None: not known yet) and what to warn about."""

    checksum: str | None
    warnings: tuple[str, ...] = ()
    url: str | None = dataclasses.field(default=None, repr=False)


def examine(kube: Kube, options: ControlPlaneOptions) -> Examined:
    """Check the data source of a control plane. Raises HaError where the control plane could not run on it.

    In check mode a Secret that is missing or wrong is only a warning: a task before this one may be about to write it.
    """
    if options.data_source_url:
        return _examine_url(kube, options, options.data_source_url)
    if not options.data_source_secret:
        return Examined(None)
    try:
        return _examine_secret(kube, options, options.data_source_secret)
    except HaError as error:
        if not kube.check_mode:
            raise
        if options.data_source_checksum:  # a task before this one has already said what it will write
            return Examined(options.data_source_checksum)
        return Examined(None, (f"Unless this run writes the data source Secret first, it will fail: {error}",))


def _examine_url(kube: Kube, options: ControlPlaneOptions, url: str) -> Examined:
    warning = (
        "data_source_url puts the database password into a ConfigMap and into the Cluster in clear text; "
        "use data_source_secret"
    )
    return Examined(
        checksum({DATA_SOURCE_KEY: url}, f"{options.namespace}/{options.name}"),
        (warning, *_lint(kube, options, url)),
        url,
    )


def _examine_secret(kube: Kube, options: ControlPlaneOptions, name: str) -> Examined:
    secret = kube.get("v1", "Secret", name, options.namespace)
    if secret is None:
        raise _missing(kube, name, options.namespace)
    data = texts(secret)
    if not data.get(DATA_SOURCE_KEY):
        raise wrong_key(name, options.namespace, data)
    warnings = _lint(kube, options, data[DATA_SOURCE_KEY], data.get(database_ca.KINE_FLAG, ""))
    known = options.data_source_checksum if kube.check_mode else None
    return Examined(known or checksum(data, f"{options.namespace}/{name}"), tuple(warnings), data[DATA_SOURCE_KEY])


def _lint(kube: Kube, options: ControlPlaneOptions, url: str, kine_flag: str = "") -> list[str]:
    dsn = parse(url)
    tls = requires_tls(datastore_behind(kube, dsn, options.namespace))
    warnings = accept(lint(url, k0s_version=options.version, require_tls=tls, ca_file=bool(kine_flag)))
    return [*warnings, *refuse_unmounted(database_ca.named_by(dsn, kine_flag), options.mounts)]


def refuse_unmounted(path: str, mounts: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Warnings about the file that kine verifies its database by: without it kine does not start.

    Raises InvalidInput where it is ours and nothing mounts it. Other files may be part of the k0s image.
    """
    if not path or path == "system" or any(f"{path}/".startswith(f"{mount.get('path')}/") for mount in mounts):
        return []
    missing = f"kine reads the database's authorities from {path}, and nothing is mounted there"
    if path == database_ca.PATH:
        raise InvalidInput(missing, "Add what k0smotron.ha.datasource_secret returned as mounts to the mounts")
    return [f"{missing}: unless the k0s image has that file, kine does not start."]


def _missing(kube: Kube, name: str, namespace: str) -> NotFound:
    elsewhere = _namespaces_with(kube, name)
    if elsewhere:
        return NotFound(
            f'There is no Secret "{name}" in namespace "{namespace}", but there is one in {", ".join(elsewhere)}',
            "k0smotron reads it only from the control plane's own namespace: write it there, or move the control plane",
        )
    return NotFound(
        f'There is no Secret "{name}" in namespace "{namespace}"',
        "Write it with k0smotron.ha.datasource_secret first",
    )


def _namespaces_with(kube: Kube, name: str) -> list[str]:
    """Other namespaces that have a Secret of this name; [] where we are not allowed to look."""
    try:
        namespaces = [item["metadata"]["name"] for item in kube.list("v1", "Namespace")]
        return [namespace for namespace in namespaces if kube.get("v1", "Secret", name, namespace)]
    except Forbidden:
        return []


def wrong_key(name: str, namespace: str, data: t.Mapping[str, str]) -> InvalidInput:
    """The error for a Secret without a value under k0smotron's key; names the key that is probably meant."""
    if DATA_SOURCE_KEY in data:
        return InvalidInput(
            f'Secret "{name}" in namespace "{namespace}" has an empty value under {DATA_SOURCE_KEY}',
            "Write it with k0smotron.ha.datasource_secret",
        )
    meant = similar_key(data)
    hint = f", and its key {meant} is not read by k0smotron" if meant else ""
    return InvalidInput(
        f'Secret "{name}" in namespace "{namespace}" has no key {DATA_SOURCE_KEY}{hint}',
        f"Put the database URL under {DATA_SOURCE_KEY}, or write the Secret with k0smotron.ha.datasource_secret",
    )


def similar_key(data: t.Mapping[str, str]) -> str | None:
    """The key that looks like k0smotron's, or the only one that holds a URL."""
    close = difflib.get_close_matches(DATA_SOURCE_KEY, sorted(data), n=1)
    if close:
        return close[0]
    urls = [key for key, value in data.items() if "://" in value]
    return urls[0] if len(urls) == 1 else None
