"""Explanations of browsers' decisions about requests. Production imports none of these."""
