"""A load client for control planes: many simulated proxies that speak ADS, in one process that costs little."""
