"""The items of the CIS Kubernetes Benchmark, and what facts say of each."""
