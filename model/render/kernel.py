"""The kernel modules and settings of a Node.

https://kubernetes.io/docs/setup/production-environment/container-runtimes/
"""

MODULES = """\
overlay
br_netfilter
"""

# scripts/node/kernel.sh applies them to the running kernel. Those of vm and kernel are what a
# kubelet requires: with protectKernelDefaults it does not start with others.
# https://github.com/kubernetes/component-helpers/blob/master/node/util/sysctl/sysctl.go
SYSCTL = """\
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
vm.overcommit_memory = 1
vm.panic_on_oom = 0
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
"""
