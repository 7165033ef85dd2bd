"""The control API, for programs: the only blueprint behind a key."""
