#!/usr/bin/python3
"""A browser for WebKitWebDriver like WebKitGTK's MiniBrowser, with a readable console.

Under automation, MiniBrowser's sessions are ephemeral, and WebKit hides the console of ephemeral
sessions. Debian's own Python runs this file, because it has the bindings.

Pages of the schemes `capacitor` and `tauri` are empty pages of an app.

Usage: webkit.py FOLDER yes|no [WebKitWebDriver's arguments]
The folder takes the session's data and `console.log`; `yes` accepts third-party cookies.
"""

import os
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gio, GLib, Gtk, WebKit2  # noqa: E402

APP_PAGE = b'<!doctype html><link rel="icon" href="data:,"><title>An app</title>'

folder, third_party_cookies = sys.argv[1:3]
log = os.open(f"{folder}/console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 2)  # the page's process writes here despite the setting below
data = WebKit2.WebsiteDataManager(base_data_directory=folder, base_cache_directory=folder)
data.set_tls_errors_policy(WebKit2.TLSErrorsPolicy.IGNORE)
data.set_itp_enabled(third_party_cookies != "yes")  # as in Safari
context = WebKit2.WebContext(website_data_manager=data)
context.get_cookie_manager().set_accept_policy(
    WebKit2.CookieAcceptPolicy.ALWAYS
    if third_party_cookies == "yes"
    else WebKit2.CookieAcceptPolicy.NO_THIRD_PARTY
)
context.set_automation_allowed(True)


def show_app(request: WebKit2.URISchemeRequest) -> None:
    """Answer a request for the page of an app."""
    stream = Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(APP_PAGE))
    request.finish(stream, len(APP_PAGE), "text/html")


for scheme in ("capacitor", "tauri"):
    context.register_uri_scheme(scheme, show_app)
    context.get_security_manager().register_uri_scheme_as_secure(scheme)


def create_web_view(_: object) -> WebKit2.WebView:
    """Return a page in a new window."""
    settings = WebKit2.Settings(enable_write_console_messages_to_stdout=True)
    view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True, settings=settings)
    return in_window(view)


def in_window(view: WebKit2.WebView) -> WebKit2.WebView:
    """Show a page, and the popups that it opens."""
    window = Gtk.Window()
    window.set_default_size(1024, 768)
    window.add(view)
    window.show_all()
    view.connect("close", lambda _: window.destroy())
    view.connect("create", lambda opener, _: in_window(WebKit2.WebView(related_view=opener)))
    return view


def begin(_: object, session: WebKit2.AutomationSession) -> None:
    """Identify the browser, and give the driver pages."""
    information = WebKit2.ApplicationInfo()
    information.set_name("MiniBrowser")
    information.set_version(2, 50, 0)
    session.set_application_info(information)
    session.connect("create-web-view", create_web_view)


context.connect("automation-started", begin)
Gtk.main()
