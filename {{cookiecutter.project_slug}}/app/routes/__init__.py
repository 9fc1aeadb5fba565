"""One module for each group of routes, each with a `router`."""
