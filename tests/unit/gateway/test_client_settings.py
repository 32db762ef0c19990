"""Settings of what clients may take up: where they are shown."""

from gateway.client_settings import ClientSettings
from gateway.settings import Settings, describe


def test_they_stand_between_the_others_and_those_of_callers() -> None:
    """In one piece."""
    names = [row.name.removeprefix("GES_GATEWAY_").lower() for row in describe(Settings())]
    first, last = names.index("max_connections"), names.index("auth_mode")
    assert names[first:last] == list(ClientSettings.model_fields)
