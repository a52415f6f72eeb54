"""DestinationRule: settings towards a host, its ports and its subsets."""
