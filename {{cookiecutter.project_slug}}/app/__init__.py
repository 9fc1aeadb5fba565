"""The service: `app.main` puts it together."""
