"""Objects of clusters that somebody edited, added or deleted over the API."""

from tests.e2e.seeded.fault import Fault, Place, Teller

HERE, STATUS, CONSISTENCY = Place.HERE, Teller.STATUS, Teller.CONSISTENCY


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
SERVED_ELSEWHERE = """kubectl apply -f - <<'END'
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.seeded.example}
spec:
  group: seeded.example
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: gone, namespace: default}
END"""
SAVE = "kubectl {0} get {1} {2} -o json --show-managed-fields >$SAVED; "
# As it was: the object without what the API server sets.
BRING_BACK = (
    'python3 -c \'import json, sys; o = json.load(sys.stdin); m = o["metadata"]; '
    '[m.pop(k, 0) for k in ("resourceVersion", "uid", "creationTimestamp", "generation", '
    '"managedFields")]; o.pop("status", 0); print(json.dumps(o))\' <$SAVED '
    "| kubectl {0} -f -"
)
REPLACE, CREATE = BRING_BACK.format("replace"), BRING_BACK.format("create")
# Its fields are then the program's again, as after `fleet up`: a value that is set back is not.
OWNED = BRING_BACK.replace('"generation", "managedFields"', '"generation"')
assert OWNED != BRING_BACK
REPLACE_OURS = "; ".join([OWNED.format("replace")] * 2)
CREATE_OURS = "; ".join([OWNED.format("create"), OWNED.format("replace")])

FAULTS = (
    Fault(
        "a NetworkPolicy is deleted",
        HERE,
        SAVE.format(SYSTEM, "networkpolicy", "kubeadm-fleet-probe")
        + f"kubectl {SYSTEM} delete networkpolicy kubeadm-fleet-probe",
        CREATE_OURS,
        ("kubeadm-fleet-probe", "NetworkPolicy"),
        "projectcapsule/capsule#787",
    ),
    Fault(
        "the pod network's ConfigMap is edited",
        HERE,
        SAVE.format(FLANNEL, "configmap", "flannel")
        + f"kubectl {FLANNEL} get configmap flannel -o json | sed 's/vxlan/host-gw/' "
        "| kubectl replace -f -",
        REPLACE_OURS,
        ("flannel", "ConfigMap"),
        "flannel-io/flannel#1474",
    ),
    Fault(
        "the pod network's DaemonSet gets another field",
        HERE,
        SAVE.format(FLANNEL, "daemonset", "flannel")
        + f"kubectl {FLANNEL} patch daemonset flannel --type strategic --patch "
        '\'{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":7}}}}\'',
        REPLACE,
        ("flannel", "DaemonSet"),
        "issue 12 of this project",
        CONSISTENCY,  # A field that nobody declares is not drift.
    ),
    Fault(
        "a declared field of the pod network's DaemonSet is edited",
        HERE,
        SAVE.format(FLANNEL, "daemonset", "flannel")
        + f"kubectl {FLANNEL} patch daemonset flannel --type merge --patch "
        '\'{"spec":{"updateStrategy":{"rollingUpdate":{"maxUnavailable":2}}}}\'',
        REPLACE_OURS,
        ("flannel", "maxUnavailable"),
        "issue 12 of this project",
    ),
    Fault(
        "a ClusterRole of an add-on is widened",
        HERE,
        SAVE.format("", "clusterrole", "flannel")
        + "kubectl patch clusterrole flannel --type json --patch "
        '\'[{"op":"add","path":"/rules/-","value":'
        '{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}}]\'',
        REPLACE_OURS,
        ("flannel", "ClusterRole"),
        "CIS 5.1.2",
    ),
    Fault(
        "a ClusterRole of Kubernetes is widened",
        HERE,
        SAVE.format("", "clusterrole", "system:discovery")
        + "kubectl patch clusterrole system:discovery --type json --patch "
        '\'[{"op":"add","path":"/rules/-","value":'
        '{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}}]\'',
        REPLACE,
        ("system:discovery",),
        "CIS 5.1.2",
        CONSISTENCY,
    ),
    Fault(
        "anonymous requests may do everything",
        HERE,
        "kubectl create clusterrolebinding temporary-admin --clusterrole=cluster-admin "
        "--user=system:anonymous",
        "kubectl delete clusterrolebinding temporary-admin",
        ("temporary-admin",),
        "CIS 5.1.1",
        CONSISTENCY,
    ),
    Fault(
        "a Pod Security label is removed",
        HERE,
        SAVE.format("", "namespace", "kube-flannel")
        + "kubectl label namespace kube-flannel pod-security.kubernetes.io/enforce-",
        REPLACE_OURS,
        ("kube-flannel", "(?i)pod-security|Namespace"),
        "CIS 5.2.1",
    ),
    Fault(
        "CoreDNS crashes again and again",
        HERE,
        SAVE.format(SYSTEM, "configmap", "coredns")
        + f"kubectl {SYSTEM} get configmap coredns -o json | sed 's/ready/redy/' "
        f"| kubectl replace -f -; kubectl {SYSTEM} rollout restart deployment coredns; "
        f"kubectl {SYSTEM} delete pods -l k8s-app=kube-dns --now",
        REPLACE + f"; kubectl {SYSTEM} delete pods -l k8s-app=kube-dns --now",
        ("(?i)coredns",),
        "coredns/coredns#3662",
        physics=30,
        alone=True,
    ),
    Fault(
        "CoreDNS is scaled to nothing",
        HERE,
        f"kubectl {SYSTEM} scale deployment coredns --replicas 0",
        f"kubectl {SYSTEM} scale deployment coredns --replicas 2",
        ("(?i)coredns",),
        "coredns/coredns (no replicas after an upgrade)",
        alone=True,
    ),
    Fault(
        "kube-proxy is deleted",
        HERE,
        SAVE.format(SYSTEM, "daemonset", "kube-proxy")
        + f"kubectl {SYSTEM} delete daemonset kube-proxy",
        CREATE,
        ("kube-proxy",),
        "kubernetes/kubernetes#38372",
        alone=True,
    ),
    Fault(
        "a Node is cordoned",
        HERE,
        "kubectl cordon NODE",
        "kubectl uncordon NODE",
        ("NODE", "(?i)cordon|unschedulable|SchedulingDisabled"),
        "kubernetes-sigs/kubespray (Nodes left cordoned after an upgrade)",
        STATUS,  # The watch waits for ten minutes: a drain cordons, too.
    ),
    Fault(
        "a webhook blocks all pods",
        HERE,
        WEBHOOK,
        "kubectl delete validatingwebhookconfiguration seeded-policy",
        ("seeded-policy|pods.seeded.example",),
        "open-policy-agent/gatekeeper#3183; projectcapsule/capsule#787",
        STATUS,  # The role of the watch may read neither webhooks nor what they are served by.
        alone=True,
    ),
    Fault(
        "an aggregated API is unavailable",
        HERE,
        SERVED_ELSEWHERE,
        "kubectl delete apiservice v1.seeded.example",
        (r"v1\.seeded\.example",),
        "kubernetes/kubernetes#83332",
    ),
    Fault(
        "a Node lost its label",
        HERE,
        "kubectl label node NODE kubeadm-fleet/pool-",
        "kubectl label node NODE kubeadm-fleet/pool=worker",
        ("NODE", "(?i)kubeadm-fleet/pool|label"),
        "kubernetes-sigs/cluster-api (labels of Machines and Nodes)",
        STATUS,
    ),
    Fault(
        "a Node is deleted",
        HERE,
        "kubectl get node NODE -o json >$SAVED; kubectl delete node NODE",
        CREATE,
        ("NODE", "without a Node"),
        "kubernetes/kubeadm (kubectl delete node, and the kubelet does not come back)",
        STATUS,  # The watch does not know which Nodes there should be: `fleet up` removes some.
        alone=True,
    ),
)
