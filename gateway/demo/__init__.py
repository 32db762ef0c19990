"""The sandbox: both planes of GES in one ASGI application. Serving code and this never import each other."""
