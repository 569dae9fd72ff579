# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: a ClusterClass for hosted control planes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane_template
short_description: A ClusterClass whose Clusters are highly available control planes on k0smotron
version_added: 0.2.0
description:
  - Declares a Cluster API ClusterClass with a K0smotronControlPlaneTemplate made of the same options as a control plane
    of M(k0smotron.ha.control_plane). Whoever then creates a Cluster with C(spec.topology) and this class gets such a
    control plane, on a database of its own.
  - C({cluster}) and C({namespace}) in any text of the options stand for the Cluster's name and namespace. Cluster API
    puts them in, by patches of the class.
  - The k0s version is each Cluster's own, as C(spec.topology.version); C(spec.topology.controlPlane.replicas) goes before
    O(replicas).
  - The class has the variable C(dataSourceChecksum). A Cluster that gives it what M(k0smotron.ha.datasource_secret)
    returned as C(checksum) gets its replicas replaced, one by one, when its data source changes.
  - A class that somebody else made is neither changed nor removed, unless he labels it
    C(k0smotron.ha/cluster-class=<its name>). The same goes for a RemoteClusterTemplate of the class's name.
  - What others add to the class, such as workers, variables and patches, stays.
  - A template is never changed. Other options make another template, named after its content, to which the class then
    turns, and Cluster API brings all Clusters of the class up to date at the same time. The outdated template is deleted,
    but none that a ClusterClass of the namespace still names.
  - Cluster API must run with its feature gate C(ClusterTopology), which is on after the role C(k0smotron.ha.cluster_api)
    with C(CLUSTER_TOPOLOGY=true) among its C(cluster_api_variables).
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
  - k0smotron.ha.control_plane.shape
options:
  name:
    description:
      - Name of the ClusterClass.
    type: str
    required: true
  namespace:
    description:
      - Namespace of the ClusterClass and its templates. It has to exist. Clusters of other namespaces may use the class.
    type: str
    required: true
  state:
    description:
      - V(present) declares the class.
      - V(absent) removes it with its templates, and is refused while a Cluster uses it.
    type: str
    choices: [present, absent]
    default: present
  data_source_secret:
    description:
      - Secret in the Cluster's namespace whose key C(K0SMOTRON_KINE_DATASOURCE_URL) holds the URL of the Cluster's own
        database, as M(k0smotron.ha.datasource_secret) writes it. C({cluster}) has to be in the name.
      - Another name here moves all Clusters of the class at the same time. So the new Secret of each one is looked at first, and
        the change is refused with the names of those that are missing or wrong. In check mode that is a warning.
    type: str
    default: "{cluster}-data-source"
  allow_other_database:
    description:
      - Let Clusters that have run go over to other databases, where another O(data_source_secret) leads to these. Without it
        that is refused, because a control plane would start again on what is there, and all that the first database holds would
        be gone from its API.
      - Say it when both are the same database by different names. It moves no data, and replicas go over one after the other.
    type: bool
    default: false
    version_added: 0.2.0
  infrastructure_template:
    description:
      - The template of the Clusters' infrastructure. By default a RemoteClusterTemplate of the class's name, which needs
        nothing and is made here.
      - Another one has to exist. The infrastructure that is made of it needs the annotation
        C(cluster.x-k8s.io/managed-by=k0smotron).
    type: dict
    suboptions:
      api_version:
        description: API version, such as C(infrastructure.cluster.x-k8s.io/v1beta1).
        type: str
        required: true
      kind:
        description: Kind. It cannot change later.
        type: str
        required: true
      name:
        description: Name, in the same namespace.
        type: str
        required: true
  wait:
    description:
      - Wait until Cluster API has taken the class, and every Cluster of it has what it says, but for those that are paused or
        being deleted. Whether the replicas are done with that, M(k0smotron.ha.cluster_info) tells.
      - With O(state=absent) until the class is gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with Cluster API's own words.
    type: int
    default: 300
notes:
  - V(NodePort) is refused, because all Clusters of the class would want the same ports.
  - A class cannot hold a PodDisruptionBudget. Declare one beside each Cluster, as the example of the guide does.
seealso:
  - module: k0smotron.ha.control_plane
  - module: k0smotron.ha.datasource_secret
  - module: k0smotron.ha.cluster_info
  - module: k0smotron.ha.commit_order
"""

EXAMPLES = r"""
- name: A class of control planes, each on the database that the Secret <its name>-data-source leads to
  k0smotron.ha.control_plane_template:
    name: highly-available
    namespace: teams
    service_type: LoadBalancer

- name: A Cluster of it
  kubernetes.core.k8s:
    definition:
      apiVersion: cluster.x-k8s.io/v1beta2
      kind: Cluster
      metadata: {name: team-a, namespace: teams}
      spec:
        topology:
          classRef: {name: highly-available}
          version: v1.36.3-k0s.2

- name: With databases that have an authority of their own, and infrastructure of another provider
  k0smotron.ha.control_plane_template:
    name: metal
    namespace: teams
    service_type: LoadBalancer
    mounts:
      - path: /etc/database-ca
        configMap: {name: "{cluster}-data-source-ca"}
    infrastructure_template:
      api_version: infrastructure.cluster.x-k8s.io/v1beta1
      kind: Metal3ClusterTemplate
      name: metal

- name: Remove a class that no Cluster uses
  k0smotron.ha.control_plane_template:
    name: metal
    namespace: teams
    state: absent
"""

RETURN = r"""
api_version:
  description: API version of k0smotron that was used.
  returned: O(state=present)
  type: str
  sample: k0smotron.io/v1beta1
template:
  description: Name of the K0smotronControlPlaneTemplate.
  returned: O(state=present)
  type: str
  sample: highly-available-3f2a90c17b
clusters:
  description: Clusters that use the class, each as C(namespace/name).
  returned: O(state=present)
  type: list
  elements: str
  sample: [teams/team-a]
"""

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_plane_template_run
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.arguments import SHAPE
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

INFRASTRUCTURE: dict[str, dict[str, t.Any]] = {
    "api_version": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
}
CLASS: dict[str, dict[str, t.Any]] = {
    "data_source_secret": {"type": "str", "no_log": False, "default": "{cluster}-data-source"},
    "allow_other_database": {"type": "bool", "default": False},
    "infrastructure_template": {"type": "dict", "options": INFRASTRUCTURE},
    "wait_timeout": {"type": "int", "default": 300},
}


def main() -> t.NoReturn:
    run({**SHAPE, **CLASS}, control_plane_template_run.ensure)


if __name__ == "__main__":
    main()
