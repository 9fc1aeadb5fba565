"""Generated texts: likely origins, common misspellings, and patterns."""

from hypothesis import strategies as st

LABELS = st.text("abcxyz019-_", min_size=1, max_size=8) | st.sampled_from(
    ["xn--mnchen-3ya", "0x7f", "1", "a" * 63]
)
NAMES = st.builds(
    "{}.{}".format,
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.sampled_from(["com", "a1"]),
)
ADDRESSES = (
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda address: f"[{address}]")
    | st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]")
)
HOSTS = NAMES | NAMES.map(str.upper) | ADDRESSES
PORTS = (
    st.just("")
    | st.integers(1, 65535).map(lambda port: f":{port}")
    | st.sampled_from([":80", ":443"])
)
LIKELY = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "HTTP", "http"]),
    HOSTS,
    PORTS,
    st.sampled_from(["", "/"]),
) | st.builds("app://{}{}".format, NAMES | ADDRESSES, PORTS)
# All problems of origins, often several at once.
SCHEMES = st.sampled_from(["https", "http", "capacitor", "file", "wss", "chrome-extension", "h t"])
STARS = st.sampled_from(["", "*.", "*", "*.*."])
ODD_HOSTS = HOSTS | st.sampled_from(["127.1", "[::ffff:1.2.3.4]", "a..b", "", ".", "[", "]:["])
ODD_PORTS = (
    PORTS
    | st.integers(-1, 70000).map(lambda port: f":{port}")
    | st.sampled_from([":", ":*", ":080", ":x"])
)
NOISE = st.sampled_from(
    ["", "/", "//", "/x", "?x", "#x", " ", "\t", "\\", "%2e", ".", "@", "\u00a0", "\u3002"]
)
ODD = st.builds("{}{}://{}{}{}{}".format, NOISE, SCHEMES, STARS, ODD_HOSTS, ODD_PORTS, NOISE)
TEXTS = (
    LIKELY
    | ODD
    | st.text(max_size=40)
    | st.text("htps:/.*@[]0123456789abcAX-_%\\ \t?#", max_size=40)
)
PATTERNS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "app"]),
    st.sampled_from(["", "*.", "*."]),
    NAMES,
    st.sampled_from(["", ":*", ":8443"]),
)
INSIDES = st.lists(LABELS.map(str.lower), max_size=4).map(
    lambda labels: "".join(f"{label}." for label in labels)
)
