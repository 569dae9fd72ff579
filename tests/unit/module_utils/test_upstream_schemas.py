# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we build fits the schemas that the upstream projects publish, field by field.

The schemas are not a part of this repository: they lie beside the checkout, or where K0SMOTRON_HA_UPSTREAM points, and
CloudNativePG's and mariadb-operator's in the Go modules that the lab builds the operators from.
An API server would drop unknown fields in silence; here they fail.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
import zipfile
from functools import cache
from pathlib import Path

import pytest
import yaml

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import (
    ControlPlaneOptions,
    cluster_api,
    cluster_class,
    join_token,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    DatastoreOptions,
    datastore,
    options_for,
)

Schema = dict[str, t.Any]

ROOT = Path(__file__).resolve().parents[3]
UPSTREAM = Path(os.environ.get("K0SMOTRON_HA_UPSTREAM", ROOT.parent / "shared" / "upstream"))
K0SMOTRON = "k0smotron-2.1.0-standalone-crds.yaml"
CONTROL_PLANE = "k0smotron-2.1.0-controlplane-crds.yaml"
REMOTE_CLUSTER = "k0smotron-2.1.0-remotecluster-crd.yaml"
ZALANDO = "zalando-2.0.1-postgresql-crd.yaml"
MYSQL = "mysql-operator-crds.yaml"
GO_MODULES = Path(os.environ.get("GOMODCACHE", Path.home() / "go" / "pkg" / "mod"))
CLOUDNATIVEPG = "github.com/cloudnative-pg/cloudnative-pg@v1.28.0"
CLUSTER_API = "sigs.k8s.io/cluster-api@v1.11.4"
MARIADB = "github.com/mariadb-operator/mariadb-operator@v0.38.1"
TYPES: t.Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


@cache
def schema(file: str, kind: str, version: str) -> Schema:
    """The schema of a kind, or a skip that says what is missing."""
    path = UPSTREAM / file
    if not path.is_file():
        pytest.skip(f"{file} is not in {UPSTREAM}: put the upstream schemas there, or set K0SMOTRON_HA_UPSTREAM")
    return schema_in(path.read_text(encoding="utf-8"), kind, version)


def schema_in(definitions: str, kind: str, version: str) -> Schema:
    for crd in yaml.load_all(definitions, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if crd["spec"]["names"]["kind"] == kind:
            (found,) = (item for item in crd["spec"]["versions"] if item["name"] == version)
            return t.cast("Schema", found["schema"]["openAPIV3Schema"])
    raise AssertionError(f"no definition of {kind}")


@cache
def in_module(module: str, path: str) -> str:
    """A file of a Go module, or a skip that says what is missing."""
    name, _at, version = module.partition("@")
    archive = GO_MODULES / "cache" / "download" / name / "@v" / f"{version}.zip"
    if not archive.is_file():
        pytest.skip(f"{archive} is missing: go mod download {module}")
    with zipfile.ZipFile(archive) as files:
        return files.read(f"{module}/{path}").decode()


@cache
def cloudnativepg_schema(kind: str) -> Schema:
    definition = in_module(CLOUDNATIVEPG, f"config/crd/bases/postgresql.cnpg.io_{kind.lower()}s.yaml")
    return schema_in(definition, kind, "v1")


@cache
def mariadb_schema(kind: str) -> Schema:
    return schema_in(in_module(MARIADB, "deploy/crds/crds.yaml"), kind, "v1alpha1")


def faults(value: object, rules: Schema, path: str = "") -> t.Iterator[str]:
    """Where a value breaks an OpenAPI schema: the part of the language that these schemas use."""
    if rules.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield f"{path} is neither a number nor text"
        return
    if value is None and rules.get("nullable"):
        return
    if not right_type(value, rules.get("type")):
        yield f"{path} is no {rules['type']}"
        return
    yield from value_faults(value, rules, path)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, rules.get("items", {}), f"{path}[{index}]")
    if isinstance(value, dict):
        yield from object_faults(value, rules, path)


def right_type(value: object, name: str | None) -> bool:
    """Whether a value has a schema's type; to Python, but not to JSON, True is a number too."""
    return name is None or (isinstance(value, TYPES[name]) and (isinstance(value, bool) is (name == "boolean")))


def value_faults(value: object, rules: Schema, path: str) -> t.Iterator[str]:
    if value not in rules.get("enum", [value]):
        yield f"{path} is none of {rules['enum']}"
    if isinstance(value, str) and not re.search(rules.get("pattern", ""), value):
        yield f"{path} does not match {rules['pattern']}"
    if isinstance(value, int) and value < rules.get("minimum", value):
        yield f"{path} is below {rules['minimum']}"


def object_faults(value: Schema, rules: Schema, path: str) -> t.Iterator[str]:
    yield from (f"{path}.{name} is missing" for name in rules.get("required", []) if name not in value)
    free = "properties" not in rules and "additionalProperties" not in rules
    for name, item in value.items():
        inner = rules.get("properties", {}).get(name, rules.get("additionalProperties"))
        if isinstance(inner, dict):
            yield from faults(item, inner, f"{path}.{name}")
        elif not (inner or free or rules.get("x-kubernetes-preserve-unknown-fields")):
            yield f"{path}.{name} is unknown"


EVERYTHING = ControlPlaneOptions(
    name="one",
    namespace="ns",
    replicas=5,
    version="v1.35.1-k0s.0",
    image="mirror.example/k0s",
    service_type="LoadBalancer",
    api_port=6443,
    konnectivity_port=8132,
    external_address="api.example",
    service_annotations={"a": "b"},
    data_source_secret="db",
    data_source_checksum="0123",
    persistence={"type": "pvc", "persistentVolumeClaim": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}},
    resources={"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    labels={"team": "a"},
    annotations={"a": "b"},
    mounts=[{"path": "/ca", "secret": {"secretName": "ca"}}],
    control_plane_flags=["--debug"],
    spec={"manifests": [{"name": "mine", "configMap": {"name": "mine"}}], "serviceAccount": "sa"},
)
PLAIN = ControlPlaneOptions(name="one", namespace="ns", data_source_url="postgres://u:p@h/k", spread="off")


def cluster_schema(api_version: str) -> Schema:
    return schema(K0SMOTRON, "Cluster", api_version.partition("/")[2])


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
@pytest.mark.parametrize("options", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_a_cluster_fits_its_schema(api_version: str, options: ControlPlaneOptions) -> None:
    cluster = control_planes.desired(options, api_version)[0]
    assert list(faults(cluster, cluster_schema(api_version))) == []


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
@pytest.mark.parametrize("options", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_a_control_plane_fits_its_schema(api_version: str, options: ControlPlaneOptions) -> None:
    remote = {"api_group": cluster_api.INFRASTRUCTURE_GROUP, "kind": cluster_api.INFRASTRUCTURE_KIND, "name": "one"}
    wanted = cluster_api.ClusterApiOptions(control_plane=options, resource="one", infrastructure=remote, paused=True)
    inner = control_planes.builder([api_version]).build(options)
    _cluster, infrastructure, resource = cluster_api.desired(wanted, inner)
    version = api_version.partition("/")[2]
    assert list(faults(resource, schema(CONTROL_PLANE, cluster_api.KIND, version))) == []
    assert list(faults(infrastructure, schema(REMOTE_CLUSTER, cluster_api.INFRASTRUCTURE_KIND, version))) == []


def test_a_cluster_api_cluster_fits_its_schema() -> None:
    wanted = cluster_api.ClusterApiOptions(
        control_plane=PLAIN,
        resource="one",
        infrastructure={"api_group": "a.b", "kind": "Metal", "name": "one"},
        pod_cidrs=["10.1.0.0/16"],
        service_cidrs=["10.2.0.0/16"],
        service_domain="example",
    )
    path = "config/crd/bases/cluster.x-k8s.io_clusters.yaml"
    rules = schema_in(in_module(CLUSTER_API, path), "Cluster", cluster_api.CLUSTER.partition("/")[2])
    cluster = cluster_api.cluster(wanted)
    assert list(faults(cluster, rules)) == []
    cluster["spec"]["infrastructureRef"]["apiVersion"] = "v1"
    assert list(faults(cluster, rules))


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
def test_a_cluster_class_and_its_template_fit_their_schemas(api_version: str) -> None:
    for_all = dataclasses.replace(EVERYTHING, data_source_secret="{cluster}-db", external_address="{cluster}.example")
    wanted = cluster_class.ClassOptions(control_plane=for_all)
    spec = cluster_class.template_spec(wanted, control_planes.builder([api_version]).build(cluster_class.each(wanted)))
    _remote, template, made = cluster_class.desired(wanted, spec, api_version)
    version = api_version.partition("/")[2]
    assert list(faults(template, schema(CONTROL_PLANE, cluster_class.TEMPLATE_KIND, version))) == []
    path = "config/crd/bases/cluster.x-k8s.io_clusterclasses.yaml"
    rules = schema_in(in_module(CLUSTER_API, path), cluster_class.KIND, cluster_api.CLUSTER.partition("/")[2])
    assert list(faults(made, rules)) == []
    made["spec"]["controlPlane"]["templateRef"]["namespace"] = "ns"
    assert list(faults(made, rules))


@pytest.mark.parametrize("api_version", control_planes.API_VERSIONS)
def test_a_join_token_request_fits_its_schema(api_version: str) -> None:
    rules = schema(K0SMOTRON, join_token.KIND, api_version.partition("/")[2])
    request = join_token.request(join_token.TokenOptions(name="workers", namespace="ns", cluster="one"), api_version)
    assert list(faults(request, rules)) == []
    del request["spec"]["clusterRef" if "clusterRef" in request["spec"] else "clusterName"]
    assert list(faults(request, rules))


@pytest.mark.parametrize(
    ("api_version", "field", "value"),
    [
        (control_planes.API_VERSIONS[0], "kineDataSourceSecretName", "db"),
        (control_planes.API_VERSIONS[0], "controllerPlaneFlags", []),
        (control_planes.API_VERSIONS[0], "etcd", {}),
        (control_planes.API_VERSIONS[0], "service", {"type": "NodePort", "annotations": {}}),
        (control_planes.API_VERSIONS[0], "service", {"type": "Ingress"}),
        (control_planes.API_VERSIONS[0], "service", {}),
        (control_planes.API_VERSIONS[0], "storage", {"type": "sql"}),
        (control_planes.API_VERSIONS[0], "patches", [{"target": {"kind": "Service", "component": "x"}}]),
        (control_planes.API_VERSIONS[0], "replicas", "3"),
        (control_planes.API_VERSIONS[1], "controlPlaneFlags", []),
        (control_planes.API_VERSIONS[1], "storage", {}),
        (control_planes.API_VERSIONS[1], "patches", []),
    ],
)
def test_the_validator_refuses_what_the_server_refuses(api_version: str, field: str, value: object) -> None:
    cluster = control_planes.desired(EVERYTHING, api_version)[0]
    cluster["spec"][field] = value
    assert list(faults(cluster, cluster_schema(api_version)))


DATASTORE = DatastoreOptions(
    name="acid-main",
    namespace="ns",
    instances=3,
    databases=[DatabaseSpec("kine", "k0smotron"), DatabaseSpec("other", "other")],
    storage_class="fast",
    synchronous="strict",
    require_tls=False,
    parameters={"max_connections": 200},
    resources={"requests": {"cpu": "500m", "memory": "1Gi"}},
    owner_flags=["createdb"],
)


@pytest.mark.parametrize("options", [DATASTORE, DatastoreOptions(name="acid-main", namespace="ns")])
def test_a_postgresql_fits_its_schema(options: DatastoreOptions) -> None:
    (resource,) = datastore("zalando", options).desired()
    assert list(faults(resource, schema(ZALANDO, "postgresql", "v1"))) == []


@pytest.mark.parametrize(
    "spec",
    [{"teamId": None}, {"volume": {"size": "10GB"}}, {"postgresql": {"version": "9.6"}}, {"users": {"x": ["root"]}}],
)
def test_the_validator_refuses_what_the_operators_schema_refuses(spec: dict[str, t.Any]) -> None:
    (resource,) = datastore("zalando", DatastoreOptions(name="acid-main", namespace="ns", spec=spec)).desired()
    assert list(faults(resource, schema(ZALANDO, "postgresql", "v1")))


@pytest.mark.parametrize(
    "options",
    [
        dataclasses.replace(DATASTORE, image="mirror.example/pg:15.3", require_tls=True),
        DATASTORE,
        DatastoreOptions(name="acid-main", namespace="ns"),
    ],
)
def test_a_cloudnativepg_cluster_fits_its_schema(options: DatastoreOptions) -> None:
    cluster, *databases = datastore("cloudnativepg", options).desired()
    assert list(faults(cluster, cloudnativepg_schema("Cluster"))) == []
    assert [list(faults(item, cloudnativepg_schema("Database"))) for item in databases] == [[]] * len(options.databases)


@pytest.mark.parametrize(
    "spec",
    [
        {"instances": 0},
        {"storage": {"class": "fast"}},
        {"postgresql": {"synchronous": {"number": None}}},
        {"postgresql": {"synchronous": {"dataDurability": "always"}}},
        {"managed": {"roles": [{"login": True}]}},
    ],
)
def test_the_validator_refuses_what_cloudnativepgs_schema_refuses(spec: dict[str, t.Any]) -> None:
    options = DatastoreOptions(name="acid-main", namespace="ns", spec=spec)
    (cluster,) = datastore("cloudnativepg", options).desired()
    assert list(faults(cluster, cloudnativepg_schema("Cluster")))


MARIADB_OPTIONS: dict[str, t.Any] = {
    "name": "mdb",
    "namespace": "ns",
    "databases": DATASTORE.databases,
    "storage_class": "fast",
    "parameters": {"max_connections": 500},
    "resources": DATASTORE.resources,
    "require_tls": False,
}


@pytest.mark.parametrize(
    "options", [MARIADB_OPTIONS, {**MARIADB_OPTIONS, "instances": 1}, {"name": "mdb", "namespace": "ns"}]
)
def test_a_mariadb_fits_its_schema(options: dict[str, t.Any]) -> None:
    objects = datastore("mariadb", options_for("mariadb", **options)).desired()
    assert [list(faults(item, mariadb_schema(item["kind"]))) for item in objects] == [[]] * len(objects)


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": "3"},
        {"storage": {"class": "fast"}},
        {"replication": {"replica": {"waitPoint": "Always"}}},
        {"replication": {"primary": {"automaticFailover": "yes"}}},
        {"rootPasswordSecretKeyRef": {"secret": "mine"}},
    ],
)
def test_the_validator_refuses_what_mariadbs_schema_refuses(spec: dict[str, t.Any]) -> None:
    cluster = datastore("mariadb", options_for("mariadb", name="mdb", namespace="ns", spec=spec)).desired()[0]
    assert list(faults(cluster, mariadb_schema("MariaDB")))


INNODBCLUSTER_OPTIONS: dict[str, t.Any] = {
    **MARIADB_OPTIONS,
    "name": "idc",
    "spec": {"imageRepository": "mirror.example/mysql", "podLabels": {"team": "a"}},
}


def innodbcluster_faults(**options: t.Any) -> list[str]:
    """Of its spec: the rest is Kubernetes' own, and not in this schema."""
    (resource,) = datastore("innodbcluster", options_for("innodbcluster", **options)).desired()
    rules = schema(MYSQL, "InnoDBCluster", "v2")["properties"]["spec"]
    return list(faults(resource["spec"], rules))


@pytest.mark.parametrize(
    "options",
    [
        INNODBCLUSTER_OPTIONS,
        {**INNODBCLUSTER_OPTIONS, "instances": 1, "tls_secret": "", "require_tls": True},
        {"name": "idc", "namespace": "ns"},
    ],
)
def test_an_innodbcluster_fits_its_schema(options: dict[str, t.Any]) -> None:
    assert innodbcluster_faults(**options) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"instances": "3"},
        {"instances": 0},
        {"secretName": None},
        {"version": "8.4"},
        {"service": {"defaultPort": "mysql"}},
        {"router": {"bootstrapOptions": "--force"}},
        {"myCnf": "[mysqld]"},
    ],
)
def test_the_validator_refuses_what_oracles_schema_refuses(spec: dict[str, t.Any]) -> None:
    assert innodbcluster_faults(name="idc", namespace="ns", spec=spec)
