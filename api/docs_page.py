"""The OpenAPI page with everything it needs served from here: it works without a network beyond the node."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

PACKAGE = "fastapi_offline"
"""Swagger UI (Apache-2.0) as files of a Python package (MIT)."""
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def install(app: FastAPI) -> None:
    """Add `/docs` and its files."""
    folder = resources.files(PACKAGE).joinpath("static")

    @app.get("/docs", include_in_schema=False)
    def page(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/favicon.png",
            swagger_ui_parameters={"docExpansion": "none"},
        )

    for name, media_type in ASSETS.items():
        app.get(f"/docs/{name}", include_in_schema=False)(
            _asset(folder.joinpath(name).read_bytes(), media_type)
        )


def _asset(data: bytes, media_type: str) -> Callable[[], Response]:
    def asset() -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "public, max-age=86400"})

    return asset
