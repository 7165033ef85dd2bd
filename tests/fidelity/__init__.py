"""The emulator against programs that others wrote (`make fidelity`); not part of `make test`."""
