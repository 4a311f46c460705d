"""What is compared between clusters, and what is not."""
