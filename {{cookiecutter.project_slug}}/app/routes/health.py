"""Liveness, for load balancers and container health checks."""

from fastapi import APIRouter

router = APIRouter(tags=["health"])


@router.head("/health", include_in_schema=False)  # of uptime monitors
@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the process answers.

    It asks nothing of other systems, because a restart does not mend their failures.
    """
    return {"status": "ok"}
