"""The rendered services in Chromium, Firefox and WebKit."""
