"""Operations on hosts and clusters, independent of Pulumi's resources and of any terminal."""
