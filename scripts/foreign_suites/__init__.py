"""The tests of FastAPI and Starlette, with every application behind a policy."""
