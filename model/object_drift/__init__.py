"""Objects that a run applied, compared with those that a cluster has."""
