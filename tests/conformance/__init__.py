"""The official end-to-end tests of Kubernetes, run against a cluster of this project."""
