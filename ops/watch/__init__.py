"""Clusters watched for as long as one likes: one connection and one thread for each."""
