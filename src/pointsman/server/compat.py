"""Paths that older routers used, and what answers them here."""

from __future__ import annotations

from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "/classify": "/v1/route",
    "/api/v1/classify": "/v1/route",
    "/route": "/v1/route",
    "/feedback": "/v1/feedback",
    "/decisions": "/v1/decisions",
    "/decisions/{request_id}": "/v1/decisions/{request_id}",
    "/report": "/v1/report",
    "/retrain": "/v1/retrain",
    "/stats/cost": "/v1/stats/cost",
    "/stats/quality": "/v1/stats/quality",
    "/api/v1/analytics/summary": "/v1/analytics/summary",
    "/api/v1/analytics/cache-stats": "/v1/analytics/cache-stats",
    "/api/v1/analytics/savings-report": "/v1/analytics/savings-report",
    "/chat/completions": "/v1/chat/completions",
    "/models": "/v1/models",
}
