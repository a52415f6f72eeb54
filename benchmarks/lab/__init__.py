"""The parts of the benchmark of the data plane (`benchmarks/data_plane.py`)."""
