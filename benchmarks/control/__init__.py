"""The parts of the benchmark of the control plane (`benchmarks/control_plane.py`)."""
