"""What an Envoy says of itself, in the tables that `istioctl proxy-config` made a habit; rows are pure functions."""
