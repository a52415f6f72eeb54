"""The programs: the only place where parts are put together."""
