"""Who may: which authentication and authorization is in force at a workload, and what it decides."""
