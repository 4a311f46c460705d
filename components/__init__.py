"""What gets made: Pulumi component resources, one noun a file."""
