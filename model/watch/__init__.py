"""What `fleet watch` tells: conditions of clusters that begin and end, each once."""
