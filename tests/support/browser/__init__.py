"""The drivers of the browsers, and the servers that the browsers call."""
