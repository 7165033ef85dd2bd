"""The keys with which other programs call the API. Imports infra alone."""
