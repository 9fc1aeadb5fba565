"""Explanations: what a browser does with a request, and why. Serving imports none of these."""
