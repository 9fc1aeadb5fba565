"""Common CORS configurations as applications for servers: `uvicorn benchmarks.pasted:bare`."""

from starlette.middleware.cors import CORSMiddleware

from benchmarks import arms

bare = arms.bare()
snippet = arms.snippet([arms.APP])
session = arms.snippet([arms.APP], session=True)

# full-stack-fastapi-template: a list of origins without slashes at the end, credentials always on.
full_stack = arms.bare()
full_stack.add_middleware(
    CORSMiddleware,
    allow_origins=[str(origin).strip("/") for origin in (f"{arms.APP}/",)],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)
# cookiecutter-django: django-cors-headers' defaults for methods and headers, no credentials.
django_like = arms.bare()
django_like.add_middleware(
    CORSMiddleware,
    allow_origins=[arms.APP],
    allow_methods=["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"],
    allow_headers=[
        "accept",
        "authorization",
        "content-type",
        "user-agent",
        "x-csrftoken",
        "x-requested-with",
    ],
    max_age=86400,
)
