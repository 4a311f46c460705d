"""The desired state of a fleet, in pure Python: no Pulumi, no SSH, no Kubernetes API."""
