# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module credential_rotation does: looks where a rotation is, and takes step after step to its end."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    cluster_report,
    control_planes,
    credential_rotation,
    datastore_observation,
    datastore_proof,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_observation import observe
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import cluster_api
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation import Rotation, Step
from ansible_collections.k0smotron.ha.plugins.module_utils.credential_rotation_place import NOT_DECLARED, Place, look
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import is_ours
from ansible_collections.k0smotron.ha.plugins.module_utils.datasource_secret_run import secret as our_secret
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn, checksum, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    AccessDenied,
    Conflict,
    Forbidden,
    InvalidInput,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import encoded, texts
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    Params: t.TypeAlias = t.Mapping[str, t.Any]
    Warn: t.TypeAlias = t.Callable[[str], None]

RUN = "k0smotron.ha/rotation-run"
"""Annotation of the rotation's Secret: the run that is at it."""
SESSIONS_ENDED = "k0smotron.ha/rotation-sessions-ended"
"""Annotation of the rotation's Secret: whom the owner's old password let in is no longer connected."""
LEAST_REPLICAS = 2


def rotate(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    params, run = module.params, secrets.token_hex(8)
    place = look(kube, params, run)
    refuse(place)
    due = credential_rotation.is_due(place.since(), _now(), params["older_than_days"])
    step = credential_rotation.next_step(place.rotation, place.url, due=due)
    if step is Step.BEGIN:
        refuse_by_server(place)
    if step and place.cluster["spec"].get("replicas", 1) < LEAST_REPLICAS:
        module.warn("There is one replica, so the hosted API does not answer while it restarts, twice")
    steps = credential_rotation.steps_from(step)
    if steps and not kube.check_mode:
        _take_over(place)
        steps = list(_take_each(kube, params, place, step))
    since = place.since() if kube.check_mode else look(kube, params, run).since()
    return {
        "changed": bool(steps),
        "steps": steps,
        "resumed": bool(place.rotation),
        "login": place.owner,
        "since": since,
    }


def _take_each(kube: Kube, params: Params, place: Place, step: Step | None) -> t.Iterator[str]:
    """Take each step that is left, and look again after it."""
    while step:
        _require_ours(place)
        TAKE[step](place)
        yield step.value
        if step is Step.REVOKE:
            return
        place = look(kube, params, place.run)
        step = credential_rotation.next_step(place.rotation, place.url, due=False)


def _take_over(place: Place) -> None:
    """From a run that was killed; its module may have outlived it, and stops when it sees this."""
    if place.rotation:
        place.kube.merge(place.rotation_secret, {"metadata": {"annotations": {RUN: place.run}}})


def _require_ours(place: Place) -> None:
    """Raise Conflict where another run has taken the rotation over, or has ended it."""
    if not place.rotation:
        return
    if _notes(place).get(RUN) != place.run:
        raise Conflict("Another run has taken this rotation over", "Wait for its end")


def _notes(place: Place) -> t.Mapping[str, str]:
    """The annotations of the rotation's Secret, as they are now."""
    kept = place.kube.get(*place.rotation_secret) or {"metadata": {}}
    return kept["metadata"].get("annotations") or {}


# -- refusals -------------------------------------------------------------------------------------------------------


def refuse(place: Place) -> None:
    """Raise HaError for what a rotation would break, or cannot end, before it begins."""
    datastore_proof.require_driver(place.store, otherwise="")
    if place.rotation:
        return
    if not is_ours(place.source):
        raise InvalidInput(
            f"{Ref.of(place.source)} is somebody else's, who may write the old password back",
            "Change the password where that Secret comes from; or let the role control_plane write a Secret of its own",
        )
    dsn, owner = parse(place.url), place.owner
    credential_rotation.bridge_name(owner)  # refuses a name that would be too long
    if place.store.owner_of(dsn.database) != owner:
        raise InvalidInput(
            f"The data source's login is {owner}, who does not own its database {dsn.database}", NOT_DECLARED
        )
    others = [item.name for item in place.store.options.databases if item.owner == owner and item.name != dsn.database]
    if others:
        raise InvalidInput(
            f"{owner} also owns {', '.join(others)}, whose control planes would lose their login",
            "Give each database an owner of its own.",
        )
    if place.owners_password() != dsn.password:
        raise InvalidInput(f"The data source has not the password that {place.owner_secret} has", NOT_DECLARED)
    place.store.as_administrator("", "")  # refuses where nobody knows how


def refuse_by_server(place: Place) -> None:
    """Raise HaError for what only the database knows of, before a rotation begins."""
    dsn, bridge = parse(place.url), credential_rotation.bridge_name(place.owner)
    if administer(place, place.statements.count(bridge)) != "0":
        raise Conflict(f"There is a login {bridge} that no rotation made", "See who needs it, and remove or rename it")
    unlike = administer(place, place.statements.unlike(place.owner, dsn.database))
    if unlike:
        raise InvalidInput(
            f"A rotation would break or leave out something of {place.owner}, which has: {', '.join(unlike.splitlines())}",
            "docs/rotation.md says what to do about it.",
        )
    if _lets_in(place, dataclasses.replace(dsn, password=secrets.token_hex(32))):
        raise InvalidInput(
            f"Over a port-forward the database lets {place.owner} in with any password, so nothing could be proven",
            "Let it ask for one there, too: in PostgreSQL's pg_hba, scram-sha-256 instead of trust for 127.0.0.1 and ::1.",
        )


# -- the steps -------------------------------------------------------------------------------------------------------


def _begin(place: Place) -> None:
    settle(place)  # what does not run now is not rotated into running
    rotation = credential_rotation.begin(place.url, lambda: secrets.token_hex(32))
    kept = our_secret(place.rotation_secret, dataclasses.asdict(rotation))
    kept["metadata"]["annotations"] = {RUN: place.run}
    place.kube.apply([kept])


def _bridge(place: Place) -> None:
    _make_second_login(place)
    _keep_what_was_set_meanwhile(place)
    _give(place, _under_way(place).bridge)


def _change(place: Place) -> None:
    _make_second_login(place)  # an asynchronous failover, or somebody, may have lost it, and no replica would come up
    settle(place)
    following = parse(_under_way(place).following)
    _set_password(place)
    _end_old_sessions(place)
    _prove(place, following)
    _give(place, _under_way(place).following)


def _revoke(place: Place) -> None:
    rotation = _under_way(place)
    _set_password(place)  # a run that was killed, and the role control_plane after it, may have left that out
    if SESSIONS_ENDED not in _notes(place):  # else those that are open are the replicas' new ones
        _end_old_sessions(place)
    settle(place)
    _prove(place, parse(rotation.following))
    bridge = parse(rotation.bridge)
    for statement in (place.statements.lock, place.statements.end_sessions, place.statements.drop):
        administer(place, statement(bridge.user))
    for revoked in (parse(rotation.previous), bridge):
        if _lets_in(place, revoked):
            raise Conflict(
                f"The database still lets {revoked.user} in with a password that was revoked",
                "See who sets it, and whether it lets in anybody from loopback (pg_hba)",
            )
    now = _now().isoformat(timespec="seconds")
    place.kube.merge(Ref.of(place.source), {"metadata": {"annotations": {credential_rotation.ROTATED: now}}})
    place.kube.delete([place.rotation_secret])


TAKE: t.Mapping[Step, t.Callable[[Place], None]] = {
    Step.BEGIN: _begin,
    Step.BRIDGE: _bridge,
    Step.CHANGE: _change,
    Step.REVOKE: _revoke,
}


def _under_way(place: Place) -> Rotation:
    if place.rotation is None:
        raise Conflict(f"{place.rotation_secret} is gone, and with it what this rotation is about", "Run it again")
    return place.rotation


def _make_second_login(place: Place) -> None:
    bridge = parse(_under_way(place).bridge)
    administer(place, place.statements.make(bridge.user, bridge.password, place.owner, bridge.database))
    _prove(place, bridge)


def _set_password(place: Place) -> None:
    """First in the Secret, so that the operator does not set the old one again; then here, because it takes its time."""
    following = parse(_under_way(place).following)
    place.kube.merge(place.owner_secret, _encoded("password", following.password))
    administer(place, place.statements.change(following.user, following.password))


def _keep_what_was_set_meanwhile(place: Place) -> None:
    """The data source is about to lose a password by which alone this is known to be the owner's rotation."""
    rotation, password = _under_way(place), place.owners_password()
    if password not in credential_rotation.owners_passwords(rotation):
        previous = credential_rotation.with_previous(rotation, password)
        place.kube.merge(place.rotation_secret, _encoded("previous", previous))


def _end_old_sessions(place: Place) -> None:
    administer(place, place.statements.end_sessions(place.owner))
    place.kube.merge(place.rotation_secret, {"metadata": {"annotations": {SESSIONS_ENDED: "true"}}})


def _give(place: Place, url: str) -> None:
    place.kube.merge(Ref.of(place.source), _encoded(DATA_SOURCE_KEY, url))


def _encoded(key: str, value: str) -> Object:
    """What a merge patch sets in a Secret."""
    return {"data": encoded({key: value})}


def settle(place: Place) -> None:
    """Wait until every replica runs on what the data source Secret says, and answers. Raises WaitTimeout."""
    kube, metadata = place.kube, place.cluster["metadata"]
    name, namespace, api_version = metadata["name"], metadata["namespace"], place.cluster["apiVersion"]
    wanted = checksum(texts(place.source), f"{namespace}/{place.source['metadata']['name']}")
    annotation = {"annotations": {control_planes.CHECKSUM_ANNOTATION: wanted}}
    resource = cluster_api.owner(place.cluster)
    if resource:
        above = Ref(cluster_api.control_plane_version(api_version), cluster_api.KIND, resource, namespace)
        kube.merge(above, {"spec": {"kubeconfigSecretMetadata": annotation}})
    else:
        kube.merge(Ref.of(place.cluster), {"metadata": annotation})
    options = dataclasses.replace(cluster_report.options_from(place.cluster), data_source_checksum=wanted)
    selector = control_planes.pod_selector(name)

    def up() -> Verdict:
        _require_unmoved(place)
        return observe(kube, options, api_version).verdict

    kube.wait(up, place.timeout, lambda: kube.diagnose(namespace, selector))
    _require_unmoved(place)


def _require_unmoved(place: Place) -> None:
    """Raise Conflict where this is no longer our rotation, or somebody writes the data source: replicas follow that."""
    _require_ours(place)
    ref = Ref.of(place.source)
    if texts(place.kube.get(*ref) or {}) != texts(place.source):
        raise Conflict(
            f"Somebody else has changed {ref} meanwhile", "Let it be while a rotation runs, and run that again"
        )


# -- the database ----------------------------------------------------------------------------------------------------


def _leader(place: Place) -> str:
    """The pod that leads. Raises WaitTimeout where there is none for the whole time, in check mode at this moment."""
    timeout = 0 if place.kube.check_mode else place.timeout
    verdict = place.kube.wait(lambda: datastore_observation.judge(place.kube, place.store), timeout)
    return str(verdict.details["leader"]["pod"])


def administer(place: Place, sql: str) -> str:
    """Run statements as the server's administrator; what they answer."""
    question = place.store.as_administrator(_leader(place), sql)
    return place.kube.exec(place.store.options.namespace, question.pod, question.command, question.container).strip()


def _prove(place: Place, dsn: Dsn) -> None:
    datastore_proof.write_as(place.kube, place.store, (dsn.user, dsn.password), dsn.database, _leader(place))


def _lets_in(place: Place, dsn: Dsn) -> bool:
    """Whether the database takes a login. Who is refused changes nothing, so check mode may ask, too."""
    try:
        _prove(place, dsn)
    except AccessDenied:
        raise
    except Forbidden:
        return False
    return True


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
