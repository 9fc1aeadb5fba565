"""The service. `app.main` assembles it."""
