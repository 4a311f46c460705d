"""The kernel modules and settings of a Node.

https://kubernetes.io/docs/setup/production-environment/container-runtimes/
"""

MODULES = """\
overlay
br_netfilter
"""

# scripts/node/kernel.sh applies them to the running kernel.
SYSCTL = """\
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
"""
