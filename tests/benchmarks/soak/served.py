"""The gateway as `python -m gateway serve` serves it, with one more path that tells how many tasks its loop holds."""

import asyncio
import json
import os
import sys

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import telemetry
from gateway.app import create_app
from gateway.server import open_port, serve
from gateway.settings import Settings

TASKS = "/_tasks"


async def _tasks(_: Request) -> Response:
    return Response(json.dumps(len(asyncio.all_tasks())))


def main() -> int:
    """Serve until a signal."""
    settings = Settings.from_environment(os.environ)
    telemetry.configure(settings.log_level, settings.log_format)
    app = create_app(settings)
    app.router.routes.append(Route(TASKS, _tasks))
    return 0 if serve(app, open_port("127.0.0.1", 0), grace_seconds=settings.shutdown_grace_seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
