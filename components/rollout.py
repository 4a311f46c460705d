"""The desired state of a cluster's machines, as inputs of the rollout resource."""

import json
from collections.abc import Mapping, Sequence

import pulumi

from components.api_server_secrets import ApiServerSecrets
from components.login import own_logins, shared_login
from components.machine import Machine
from components.pki import Pki
from components.providers.hold import Hold
from components.providers.rollout import Rollout, RolloutArgs
from components.sdk import value_of
from model.cni import plugins
from model.fleet import Cluster
from model.machine import CONTROL_PLANE, WORKER, ExistingSettings
from model.machine import Machine as DescribedMachine
from model.pki import client_authorities, trust
from model.render import kubeadm, kubeadm_patches
from ops.rollout.inputs import FilesInputs, MachineInputs


def rollout_of(
    cluster: Cluster,
    machines: Sequence[Machine],
    pki: Pki,
    clients: pulumi.Output[str],
    secrets: ApiServerSecrets,
    after: Sequence[pulumi.Resource],
    held_by: Sequence[pulumi.Output[Hold]],
    mirror_credentials: pulumi.Output[str] | None,
    opts: pulumi.ResourceOptions,
) -> Rollout:
    """Apply changes to running machines, once all have joined and `after` is done.

    While an earlier wave holds it (`held_by`), a change is recorded as waiting.
    """
    upgrade = cluster.upgrade
    files = {machine.name: machine.files for machine in machines}
    # It depends on each machine through its join.
    logins = value_of(
        pulumi.Output.all(**{machine.name: machine.login.resolved for machine in machines})
    )
    trust_settings: pulumi.Output[dict[str, str]] = pulumi.Output.all(**pki.trust)
    return Rollout(
        f"{cluster.name}-rollout",
        RolloutArgs(
            cluster=cluster.name,
            version=cluster.kubernetes_version,
            cluster_document=kubeadm.cluster_configuration(cluster),
            kubelet_document=kubeadm.kubelet_configuration(cluster),
            patches=kubeadm_patches.digest(),
            machines={
                machine.name: _inputs(machine, files[machine.name]) for machine in cluster.machines
            },
            machine_ids={machine.name: value_of(machine.id) for machine in machines},
            shared_login=logins.apply(shared_login),
            logins=logins.apply(own_logins),
            identity=pki.identity,
            authority=pki.authority,
            policy={
                "max_unavailable": upgrade.max_unavailable,
                "pool_limits": dict(upgrade.pool_limits),
                "drain_seconds": upgrade.drain_seconds,
                "force": upgrade.force,
            },
            held_by=list(held_by),
            mirror_credentials=mirror_credentials,
            security_updates=upgrade.security_updates,
            # Machines that download their artifacts pull images when they need them.
            supplements=list(cluster.supplements) if cluster.artifacts.source == "bundle" else [],
            plugin=plugins.cni_plugin(cluster),
            issuer_key=pki.issuer_key,
            serving_seconds=cluster.lifetimes.kubelet_serving.total_seconds(),
            client_file=clients.apply(client_authorities.digest_of_file),
            client_set=clients.apply(client_authorities.digest_of_set),
            client_authorities=clients,
            people=sorted(cluster.access),
            rotations=cluster.rotations.by_name,
            acknowledged=cluster.rotations.acknowledge,
            immediate=cluster.rotations.immediate,
            trust=pulumi.Output.secret(trust_settings),
            trusted=pulumi.Output.unsecret(trust_settings.apply(_trusted)),
            signers=pki.signers,
            api_server_secrets=secrets.table,
            secrets_digest=secrets.digest,
            encryption=secrets.encryption,
            writer=secrets.writer,
            encryption_keys=secrets.keys,
            front_proxy_set=pki.front_proxy.bundle.apply(client_authorities.digest_of_set),
        ),
        pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(depends_on=[*(machine.joined for machine in machines), *after]),
        ),
    )


def _trusted(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the digest of what the machines of each role trust."""
    return {CONTROL_PLANE: trust.digest(settings), WORKER: trust.worker_digest(settings)}


def _inputs(machine: DescribedMachine, files: FilesInputs) -> MachineInputs:
    inputs: MachineInputs = {
        "role": machine.role,
        "address": machine.address,
        "labels": dict(machine.labels),
        "taints": [str(taint) for taint in machine.taints],
        "files": files,
    }
    if machine.pool:
        inputs["pool"] = machine.pool
    if machine.kubelet:
        # As text, since the engine's numbers are all fractions.
        inputs["kubelet"] = json.dumps(machine.kubelet, sort_keys=True)
    if isinstance(machine.settings, ExistingSettings):
        inputs["host"] = f"{machine.settings.host}:{machine.settings.port}"
        inputs["host_key"] = machine.settings.host_key or ""
    return inputs
