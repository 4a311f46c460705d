"""Rolling changes out to a running cluster: differences, order and guards."""
