"""A liveness check for load balancers and containers."""

from fastapi import APIRouter

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)  # for uptime monitors
@router.get("/health")
async def health() -> dict[str, str]:
    """Report that the process is alive.

    The check leaves other systems out, because a restart does not repair them.
    """
    return {"status": "ok"}
