"""What reads and changes hosts and clusters; knows neither Pulumi's resources nor a terminal."""
