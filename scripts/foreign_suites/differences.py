"""The tests of FastAPI and Starlette that differ behind a policy, and the reasons.

The lines are valid for the versions named here. The command fails if a different test has no line,
and if a line does not hold.
"""

from scripts.foreign_suites.suites import MODES, Difference, Suite

DROPS = "the policy drops the CORS headers of applications inside it, and answers preflights itself"
VARIES = "the test compares Vary, which also names Origin"

STARLETTE = (
    Difference("tests/middleware/test_base.py::", MODES, 2, "compares headers: Vary is one more"),
    Difference("tests/middleware/test_cors.py::", ("development",), 22, DROPS),
    Difference("tests/middleware/test_cors.py::", ("development, credentials",), 20, DROPS),
    Difference("tests/middleware/test_cors.py::", ("production",), 26, DROPS),
    Difference("tests/middleware/test_gzip.py::", MODES, 14, VARIES),
)
FASTAPI = (
    Difference(
        "tests/test_tutorial/test_cors/test_tutorial001.py::",
        ("development", "production"),
        1,
        DROPS,
    ),
)
SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            name="starlette",
            version="1.10.0",
            extra="full",
            group="dev",
            share=("tests/middleware/test_cors.py", "tests/test_websockets.py"),
            differences=STARLETTE,
        ),
        Suite(
            name="fastapi",
            version="0.165.0",
            extra="all",
            group="tests",
            share=(
                "tests/test_tutorial/test_cors/",
                "tests/test_ws_router.py",
            ),
            differences=FASTAPI,
            pins=("starlette==1.10.0",),
        ),
    )
}
