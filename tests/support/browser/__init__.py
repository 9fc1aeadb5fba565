"""What drives the browsers, and what the browsers call."""
