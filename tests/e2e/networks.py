"""Networks of pods and Services that no two clusters of a fleet share."""


def networks(number: int) -> dict[str, str]:
    """Return those of the cluster with this number, 1 to 9, as the config has them."""
    return {
        "podSubnet": f"10.{243 + number}.0.0/16",
        "serviceSubnet": f"10.{95 + number}.0.0/16",
    }
