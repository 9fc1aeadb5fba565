"""A service for the commands of the library."""
