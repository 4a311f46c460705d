"""Objects of clusters that somebody edited, added or deleted over the API."""

from tests.e2e.seeded.fault import Fault, Place, Teller

API, STATUS, CONSISTENCY = Place.API, Teller.STATUS, Teller.CONSISTENCY
STRIP = "del(.metadata.resourceVersion, .metadata.uid, .metadata.creationTimestamp, .status)"


def kept(kind: str, name: str, namespace: str, change: str) -> tuple[str, str]:
    """Shell that changes an object, and shell that brings back what was there."""
    where = f"--namespace {namespace}" if namespace else ""
    plant = f"kubectl {where} get {kind} {name} -o json >$SAVED; {change}"
    # Without the version, so that it also replaces what was changed since.
    restore = (
        f"python3 -c 'import json, sys; o = json.load(sys.stdin); "
        f"[o[\"metadata\"].pop(k, 0) for k in (\"resourceVersion\", \"uid\", \"creationTimestamp\")]; "
        f"print(json.dumps(o))' <$SAVED | kubectl apply --server-side --force-conflicts "
        f"--field-manager=seeded -f - || true; "
    )
    return plant, restore


FLANNEL = "--namespace kube-flannel"
SYSTEM = "--namespace kube-system"
WEBHOOK = """kubectl apply -f - <<'END'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: seeded-policy}
webhooks:
  - name: pods.seeded.example
    clientConfig: {service: {name: gone, namespace: default, path: /}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
END"""
SAVE = "kubectl {0} get {1} {2} -o json >$SAVED; "
# As it was: the object without what the API server sets.
BRING_BACK = (
    "python3 -c 'import json, sys; o = json.load(sys.stdin); m = o[\"metadata\"]; "
    '[m.pop(k, 0) for k in ("resourceVersion", "uid", "creationTimestamp", "generation", '
    '"managedFields")]; o.pop("status", 0); print(json.dumps(o))\' <$SAVED '
    "| kubectl {0} -f -"
)
REPLACE, CREATE = BRING_BACK.format("replace"), BRING_BACK.format("create")

FAULTS = (
    Fault(
        "a NetworkPolicy is deleted",
        API,
        SAVE.format(SYSTEM, "networkpolicy", "kubeadm-fleet-probe")
        + f"kubectl {SYSTEM} delete networkpolicy kubeadm-fleet-probe",
        CREATE,
        ("kubeadm-fleet-probe", "NetworkPolicy"),
        "projectcapsule/capsule#787",
        STATUS,
    ),
    Fault(
        "the pod network's ConfigMap is edited",
        API,
        SAVE.format(FLANNEL, "configmap", "flannel")
        + f"kubectl {FLANNEL} get configmap flannel -o json | sed 's/vxlan/host-gw/' "
        "| kubectl replace -f -",
        REPLACE,
        ("flannel", "ConfigMap"),
        "flannel-io/flannel#1474",
        STATUS,
    ),
    Fault(
        "the pod network's DaemonSet is edited",
        API,
        SAVE.format(FLANNEL, "daemonset", "flannel")
        + f"kubectl {FLANNEL} patch daemonset flannel --type strategic --patch "
        '\'{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":7}}}}\'',
        REPLACE,
        ("flannel", "DaemonSet"),
        "issue 12 of this project",
        STATUS,
    ),
    Fault(
        "a ClusterRole of an add-on is widened",
        API,
        SAVE.format("", "clusterrole", "flannel")
        + "kubectl patch clusterrole flannel --type json --patch "
        '\'[{"op":"add","path":"/rules/-","value":'
        '{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}}]\'',
        REPLACE,
        ("flannel", "ClusterRole"),
        "CIS 5.1.2",
        STATUS,
    ),
    Fault(
        "a ClusterRole of Kubernetes is widened",
        API,
        SAVE.format("", "clusterrole", "view")
        + "kubectl patch clusterrole system:discovery --type json --patch "
        '\'[{"op":"add","path":"/rules/-","value":'
        '{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]\'',
        "kubectl patch clusterrole system:discovery --type json --patch "
        '\'[{"op":"remove","path":"/rules/-1"}]\' '
        "|| kubectl get clusterrole system:discovery -o json | python3 -c 'import json, sys; "
        'o = json.load(sys.stdin); o["rules"].pop(); print(json.dumps(o))\' | kubectl replace -f -',
        ("system:discovery",),
        "CIS 5.1.2",
        CONSISTENCY,
    ),
    Fault(
        "anonymous requests may do everything",
        API,
        "kubectl create clusterrolebinding seeded --clusterrole=cluster-admin "
        "--user=system:anonymous",
        "kubectl delete clusterrolebinding seeded",
        ("seeded",),
        "CIS 5.1.1",
        CONSISTENCY,
    ),
    Fault(
        "a Pod Security label is removed",
        API,
        SAVE.format("", "namespace", "kube-system")
        + "kubectl label namespace kube-flannel pod-security.kubernetes.io/enforce-",
        "kubectl label namespace kube-flannel pod-security.kubernetes.io/enforce=privileged",
        ("kube-flannel", "(?i)pod-security|Namespace"),
        "CIS 5.2.1",
        STATUS,
    ),
    Fault(
        "CoreDNS crashes again and again",
        API,
        SAVE.format(SYSTEM, "configmap", "coredns")
        + f"kubectl {SYSTEM} get configmap coredns -o json | sed 's/ready/redy/' "
        f"| kubectl replace -f -; kubectl {SYSTEM} rollout restart deployment coredns; "
        f"kubectl {SYSTEM} delete pods -l k8s-app=kube-dns --now",
        REPLACE + f"; kubectl {SYSTEM} delete pods -l k8s-app=kube-dns --now",
        ("(?i)coredns",),
        "coredns/coredns#3662",
        physics=30,
    ),
    Fault(
        "CoreDNS is scaled to nothing",
        API,
        f"kubectl {SYSTEM} scale deployment coredns --replicas 0",
        f"kubectl {SYSTEM} scale deployment coredns --replicas 2",
        ("(?i)coredns",),
        "coredns/coredns (no replicas after an upgrade)",
    ),
    Fault(
        "kube-proxy is deleted",
        API,
        SAVE.format(SYSTEM, "daemonset", "kube-proxy")
        + f"kubectl {SYSTEM} delete daemonset kube-proxy",
        CREATE,
        ("kube-proxy",),
        "kubernetes/kubernetes#38372",
    ),
    Fault(
        "a Node is cordoned",
        API,
        "kubectl cordon NODE",
        "kubectl uncordon NODE",
        ("NODE", "(?i)cordon|unschedulable|SchedulingDisabled"),
        "kubernetes-sigs/kubespray (Nodes left cordoned after an upgrade)",
    ),
    Fault(
        "a webhook blocks all pods",
        API,
        WEBHOOK,
        "kubectl delete validatingwebhookconfiguration seeded-policy",
        ("seeded-policy|pods.seeded.example",),
        "open-policy-agent/gatekeeper#3183; projectcapsule/capsule#787",
    ),
    Fault(
        "an aggregated API is unavailable",
        API,
        f"kubectl {SYSTEM} scale deployment metrics-server --replicas 0",
        f"kubectl {SYSTEM} scale deployment metrics-server --replicas 1",
        (r"metrics-server|metrics\.k8s\.io",),
        "kubernetes/kubernetes#83332",
    ),
    Fault(
        "a Node lost its label",
        API,
        "kubectl label node NODE kubeadm-fleet/pool-",
        "kubectl label node NODE kubeadm-fleet/pool=worker",
        ("NODE", "kubeadm-fleet/pool|(?i)label"),
        "kubernetes-sigs/cluster-api (labels of Machines and Nodes)",
        STATUS,
    ),
    Fault(
        "a Node is deleted",
        API,
        "kubectl get node NODE -o json >$SAVED; kubectl delete node NODE",
        CREATE,
        ("NODE",),
        "kubernetes/kubeadm (kubectl delete node, and the kubelet does not come back)",
    ),
)
