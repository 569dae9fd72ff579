# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a database's servers: when it is kept, and that whoever trusts it goes on trusting it."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from cryptography import x509

from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Authority, Bundle, serves
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.base import CertificateSpec
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.server_certificate import (
    AUTHORITY_LIFETIME,
    LIFETIME,
    renewed,
    secrets,
)

NOW = datetime.datetime.now(datetime.UTC)
NAMES = ("main", "main.databases", "main.databases.svc")


@pytest.fixture(scope="module")
def made() -> tuple[Authority, Bundle]:
    """Give an authority and the certificate that it signed."""
    return renewed(None, None, NAMES, NOW)


def trusted_by(ca: str, bundle: Bundle, now: datetime.datetime) -> bool:
    """Whether someone who trusts ca accepts the certificate."""
    return serves(dataclasses.replace(bundle, ca=ca), NAMES, now)


def test_a_second_run_keeps_both(made: tuple[Authority, Bundle]) -> None:
    assert renewed(*made, NAMES, NOW + LIFETIME * 0.6) == made


def test_a_renewed_certificate_is_trusted_already(made: tuple[Authority, Bundle]) -> None:
    authority, bundle = made
    later = NOW + LIFETIME * 0.7
    signer, fresh = renewed(authority, bundle, NAMES, later)
    assert signer == authority
    assert fresh.certificate != bundle.certificate
    assert fresh.ca == bundle.ca
    assert trusted_by(bundle.ca, fresh, later)


def test_other_names_need_another_certificate(made: tuple[Authority, Bundle]) -> None:
    authority, bundle = made
    signer, fresh = renewed(authority, bundle, (*NAMES, "more"), NOW)
    assert signer == authority
    names = x509.load_pem_x509_certificate(fresh.certificate.encode()).extensions
    found = names.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert found == [*NAMES, "more"]


def test_a_new_authority_is_announced_before_it_signs(made: tuple[Authority, Bundle]) -> None:
    old, _bundle = made
    later = NOW + AUTHORITY_LIFETIME * 0.68
    _same, current = renewed(old, None, NAMES, NOW + AUTHORITY_LIFETIME * 0.66)
    new, announced = renewed(old, current, NAMES, later)
    assert new != old
    assert announced == dataclasses.replace(current, ca=new.certificate + old.certificate)
    after = later + LIFETIME * 0.7
    signer, fresh = renewed(new, announced, NAMES, after)
    assert signer == new
    assert fresh.certificate != current.certificate
    assert trusted_by(announced.ca, fresh, after)


@pytest.mark.parametrize("broken", [Authority("", ""), Authority("nonsense", "nonsense")])
def test_a_lost_authority_leaves_the_certificate(broken: Authority, made: tuple[Authority, Bundle]) -> None:
    _authority, bundle = made
    signer, kept = renewed(broken, bundle, NAMES, NOW)
    assert kept.certificate == bundle.certificate
    assert kept.ca == signer.certificate + bundle.ca


def test_a_broken_certificate_is_replaced(made: tuple[Authority, Bundle]) -> None:
    authority, bundle = made
    assert renewed(authority, dataclasses.replace(bundle, key=authority.key), NAMES, NOW)[1].key != authority.key


def test_the_secrets_are_stable() -> None:
    wanted = CertificateSpec("main-tls", "main-authority", "databases", NAMES, {"cluster-name": "main"})
    live: dict[str, Object] = {}
    first = secrets(wanted, live.get, NOW)
    assert [obj["metadata"]["name"] for obj in first] == ["main-authority", "main-tls"]
    assert [sorted(obj["data"]) for obj in first] == [["tls.crt", "tls.key"], ["ca.crt", "tls.crt", "tls.key"]]
    live = {obj["metadata"]["name"]: obj for obj in first}
    assert secrets(wanted, live.get, NOW) == first
    live["main-tls"] = {"data": {"tls.crt": "AAAA"}}
    assert secrets(wanted, live.get, NOW)[0] == first[0]
    assert secrets(wanted, live.get, NOW)[1]["data"]["ca.crt"] == first[1]["data"]["ca.crt"]
