# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation of a control plane's database credential has done, and what comes next. Pure.

A server knows one password a role, and a replica reads its own only when it starts. So the replicas first move to a
bridge, a second login that acts as the owner; then nobody needs the owner's password, and it changes; then they move
back. What was declared stays true: the owner is the owner, and its operator's Secret has its password.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import service_of
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, build, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

ROTATED = "k0smotron.ha/credential-rotated-at"
"""Annotation of the data source Secret, in ISO 8601."""
BRIDGE_SUFFIX = "_rotation"
LONGEST_LOGIN = 63


class Step(enum.Enum):
    """One step. Each may be done again, and is found again from what the cluster holds after a run that was killed."""

    BEGIN = "begin"
    """Choose the new passwords and keep them in the rotation's Secret."""
    BRIDGE = "bridge"
    """Make the second login, and give it to the replicas."""
    CHANGE = "change"
    """Once every replica has it: give the owner its new password, and that to the replicas."""
    REVOKE = "revoke"
    """Once every replica has that: remove the second login, see that the old ones are refused, and forget them."""


ORDER = tuple(Step)


@dataclasses.dataclass(frozen=True)
class Rotation:
    """A rotation under way, as its Secret keeps it: the data source before, meanwhile and afterwards, as URLs."""

    previous: str = dataclasses.field(repr=False)
    bridge: str = dataclasses.field(repr=False)
    following: str = dataclasses.field(repr=False)


def begin(url: str, new_password: t.Callable[[], str]) -> Rotation:
    """The rotation of a data source. Raises InvalidInput for an owner whose bridge could not have its name."""
    dsn = parse(url)
    name = bridge_name(dsn.user)
    return Rotation(
        previous=url,
        bridge=build(dataclasses.replace(dsn, user=name, password=new_password())),
        following=build(dataclasses.replace(dsn, password=new_password())),
    )


def bridge_name(owner: str) -> str:
    """Name of an owner's second login."""
    name = owner + BRIDGE_SUFFIX
    if len(name) > LONGEST_LOGIN:
        raise InvalidInput(
            f"The second login of {owner} would be {name}, and a role's name has at most {LONGEST_LOGIN} characters",
            "Give the database an owner with a shorter name.",
        )
    return name


def resumed(texts: t.Mapping[str, str], place: str) -> Rotation:
    """The rotation that a Secret keeps. Raises InvalidInput for a Secret that is none."""
    fields = [field.name for field in dataclasses.fields(Rotation)]
    if not set(fields) <= texts.keys():
        raise InvalidInput(f"{place} is in the way: it has not the keys {', '.join(fields)}", "Remove or rename it.")
    return Rotation(**{name: texts[name] for name in fields})


def refuse_moved(rotation: Rotation, url: str) -> None:
    """Raise InvalidInput for a rotation of another database than the data source has now."""
    if any(_place(parse(each)) != _place(parse(url)) for each in dataclasses.astuple(rotation)):
        raise InvalidInput(
            "The rotation under way is one of another database than the control plane has now",
            f"Where the old one is still there, drop its login {bridge_name(parse(rotation.previous).user)}; then remove the"
            " rotation's Secret.",
        )


def strange_logins(rotation: Rotation, owner: str) -> str:
    """The logins of a rotation that is none of this owner's; "" where it is."""
    logins = [parse(each).user for each in dataclasses.astuple(rotation)]
    return "" if logins == [owner, bridge_name(owner), owner] else ", ".join(logins)


def owners_passwords(rotation: Rotation) -> list[str]:
    """The one before and the one afterwards. The owner's Secret has the first until a run writes the second, which stays."""
    return [parse(each).password for each in (rotation.previous, rotation.following)]


def with_previous(rotation: Rotation, password: str) -> str:
    """The data source before, with a password that somebody set meanwhile."""
    return build(dataclasses.replace(parse(rotation.previous), password=password))


def next_step(rotation: Rotation | None, url: str, *, due: bool) -> Step | None:
    """What comes next with this data source; None where there is nothing to do.

    Whoever writes the data source from the owner's Secret meanwhile, as the role control_plane does, only moves it to
    ``previous`` or to ``following``, from where the rotation goes on.
    """
    if rotation is None:
        return Step.BEGIN if due else None
    if url == rotation.following:
        return Step.REVOKE
    return Step.CHANGE if url == rotation.bridge else Step.BRIDGE


def _place(dsn: Dsn) -> t.Any:
    """Which database it is: a Service may have got its whole name meanwhile."""
    return dsn.scheme, [(service_of(host.name) or host.name, host.port) for host in dsn.hosts], dsn.database


def steps_from(step: Step | None) -> list[str]:
    """A step and all that follow it, by name."""
    return [] if step is None else [each.value for each in ORDER[ORDER.index(step) :]]


def is_due(since: str, now: datetime.datetime, older_than_days: float) -> bool:
    """Whether a credential that is as it is since then (ISO 8601) is older than so many days."""
    return now - datetime.datetime.fromisoformat(since) >= datetime.timedelta(days=older_than_days)
