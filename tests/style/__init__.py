"""What `make format` and `make lint` need beside the tools they call."""
