"""Messages in the console of a browser."""


def said(engine: str, messages: list[str], url: str) -> list[str]:
    """Return the console messages about a URL. WebKit prints the reason first, and then the URL."""
    found = [index for index, message in enumerate(messages) if url in message]
    if engine != "webkit":
        return [messages[index] for index in found]
    return [messages[index - 1] for index in found if index and " due to" in messages[index]]
