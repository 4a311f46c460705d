"""What a fleet should be, in plain Python. Knows nothing of Pulumi, SSH or the Kubernetes API."""
