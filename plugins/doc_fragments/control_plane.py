# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a control plane, standalone or through Cluster API, and of a template for several."""

from __future__ import annotations


class ModuleDocFragment:
    """`k0smotron.ha.control_plane`, and `.shape` for what a template has, too; the specs are in control_planes/arguments.py."""

    DOCUMENTATION = r"""
options:
  version:
    description:
      - k0s version with its suffix. It cannot go back to an older minor version, and goes up by one minor version at a time,
        because the API servers of both work side by side meanwhile. The next one is refused until every replica runs the last.
    type: str
    default: v1.36.3-k0s.2
  data_source_secret:
    description:
      - Secret in the same namespace whose key C(K0SMOTRON_KINE_DATASOURCE_URL) holds the database URL, as
        M(k0smotron.ha.datasource_secret) writes it. A new URL in it rolls the replicas one by one.
    type: str
  data_source_url:
    description:
      - The database URL itself. k0smotron copies it with its password into a ConfigMap - use O(data_source_secret).
    type: str
  data_source_checksum:
    description:
      - The checksum that M(k0smotron.ha.datasource_secret) returned. Only check mode uses it, to tell what the real run
        would do after a Secret that is not written yet.
    type: str
  allow_other_database:
    description:
      - Let a control plane that has run go over to another database. Without it that is refused, because the control plane would
        start again on what is there, and all that the first database holds would be gone from its API.
      - Say it when both are the same database by different names. It moves no data, and replicas go over one after the other.
    type: bool
    default: false
  pod_disruption_budget:
    description:
      - Let a node drain take at most one replica at a time.
      - A PodDisruptionBudget of its name that somebody else made is an error, and with V(false) it stays as it is.
    type: bool
    default: true
  wait:
    description:
      - Wait until every replica answers, or with O(state=absent) until the replicas are gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with k0smotron's own words and the last event and log line of what is not up.
    type: int
    default: 900
notes:
  - The Secrets C(<name>-ca), C(<name>-sa), C(<name>-proxy) and C(<name>-etcd) belong to the control plane, and Kubernetes
    deletes them with it. To make the same control plane again on the same database, copy them first, without their
    owner references, and put them back before you create it - k0smotron takes what it finds. Otherwise give the new
    one an empty database.
"""

    SHAPE = r"""
options:
  replicas:
    description:
      - Number of replicas. It may change at any time.
    type: int
    default: 3
  image:
    description:
      - Repository of the k0s image, without a tag. k0smotron's default when not given.
    type: str
  service_type:
    description:
      - How the API is exposed. With V(NodePort) the node ports are O(api_port) and O(konnectivity_port), which no other
        Service of the cluster may have. V(LoadBalancer) needs something that gives out addresses.
    type: str
    choices: [ClusterIP, NodePort, LoadBalancer]
    default: ClusterIP
  api_port:
    description:
      - Port of the hosted API.
    type: int
    default: 30443
  konnectivity_port:
    description:
      - Port that the workers' konnectivity agents connect to.
    type: int
    default: 30132
  external_address:
    description:
      - Address under which workers and users reach the API. k0smotron finds it for V(NodePort) and V(LoadBalancer).
      - A change rolls the replicas, because it has to be in their certificates. So does a change of O(service_type). The old
        address is no longer in them, so that workers, join tokens and kubeconfigs which use it fail with x509 errors, unless
        C(k0sConfig.spec.api.sans) in O(spec) names it. k0smotron 2 leaves the old one in the kubeconfig Secret, by which Cluster
        API connects, too. A warning says so, in check mode as well.
    type: str
  service_annotations:
    description:
      - Annotations of the Service, for whatever gives out addresses.
    type: dict
    default: {}
  persistence:
    description:
      - What C(persistence) of the Cluster holds, a C(type) and its settings. It cannot change later.
      - The state is in the database, so the default keeps nothing.
    type: dict
    default: {type: emptyDir}
  resources:
    description:
      - C(requests) and C(limits) of each replica, as in a container.
    type: dict
    default: {requests: {cpu: 500m, memory: 1Gi}}
  spread:
    description:
      - Whether replicas must be (V(required)), should be (V(preferred)) or need not be (V(off)) on different nodes.
    type: str
    choices: [required, preferred, "off"]
    default: required
  fast_start:
    description:
      - Start all replicas at once and probe them early, which saves minutes at creation. Needs k0smotron 2, and has no
        effect on a live control plane.
      - A new control plane on MySQL or MariaDB starts one replica after the other all the same. There a kine that finds its
        table while another one is making it leaves the unique index out, and that one cannot make it any more (kine 0.16, seen).
      - A template does not know the databases of its Clusters, and check mode does not before their Secret is written - turn it
        off there for MySQL or MariaDB.
    type: bool
    default: true
  labels:
    description:
      - Labels of the Cluster and its pods. They cannot change later.
    type: dict
    default: {}
  annotations:
    description:
      - Annotations of the Cluster and its pods. A change rolls the replicas.
    type: dict
    default: {}
  mounts:
    description:
      - Volumes for the replicas, each with its C(path) and its source, for example a C(secret) with a C(secretName).
    type: list
    elements: dict
    default: []
  control_plane_flags:
    description:
      - Extra flags for the k0s controller, each as C(--flag=value). A change rolls the replicas.
    type: list
    elements: str
    default: []
  spec:
    description:
      - Anything else of the Cluster's C(spec), merged last, in the words of the API version that the cluster serves. A
        null removes a field.
    type: dict
    default: {}
"""
