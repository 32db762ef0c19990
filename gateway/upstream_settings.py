"""The settings of how GES is asked: where it is, how it is reached, how much of it at once."""

from __future__ import annotations

from typing import Literal

from pydantic import FilePath, PositiveInt
from pydantic_settings import BaseSettings

from gateway.setting_types import Allowed, BaseURL, BaseURLs, Project, Seconds, Zone, of

PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_MIB = 1024 * 1024


class UpstreamSettings(BaseSettings):
    """How GES is asked."""

    management_url: BaseURL | None = of(None, "Base URL of the management plane (`/v2` is added to it).")
    project_id: Project | None = of(None, "Project to ask about when a request has no `X-Project-Id` header.")
    service_urls: BaseURLs = of(
        {}, "JSON object: graph name → base URL of its service plane. Overrides what GES reports, works without it."
    )
    service_allow: Allowed = of(
        PRIVATE_NETWORKS, "Networks, hosts or host:port, by comma: addresses reported by GES are used inside only."
    )
    service_scheme: Literal["http", "https"] = of("http", "Scheme towards graphs of which GES does not say it.")
    service_time_zone: Zone = of("+08:00", "Zone of the times in the service plane's job lists: offset or name.")
    service_job_list_limit: PositiveInt = of(10_000, "How many jobs are asked of one graph's job list at most.")
    management_tls_verify: bool = of(True, "Whether the certificate of the management plane is verified.")
    management_tls_ca_file: FilePath | None = of(None, "PEM file of authorities for the management plane.")
    service_tls_verify: bool = of(True, "Whether certificates of the service plane are verified.")
    service_tls_ca_file: FilePath | None = of(None, "PEM file of authorities for the service plane.")

    upstream_timeout_seconds: Seconds = of(8.0, "Longest time for one call to GES, from connecting to the last byte.")
    upstream_connections: PositiveInt = of(64, "Connections open to each plane at most.")
    upstream_calls_per_address: PositiveInt = of(
        32, "Calls under way to one address (the management plane, or one graph) at most; more wait, then are refused."
    )
    upstream_streams_per_address: PositiveInt = of(
        16, "Large pages being passed on from one address at most, beside those calls."
    )
    upstream_attempts: PositiveInt = of(
        3, "How often a read is sent at most, when GES could not be reached or said 429, 502, 503 or 504.", le=5
    )
    upstream_compression: bool = of(False, "Whether GES is asked for compressed bodies.")
    stream_timeout_seconds: Seconds = of(300.0, "Longest time for one large page to be passed on to its client.")
    spool_max_bytes: PositiveInt = of(
        4 * _MIB, "Pages of ended jobs that are larger are passed on while they arrive, not collected first."
    )
    max_body_bytes: PositiveInt = of(64 * _MIB, "Largest body read from GES, compressed or not.")
    max_collected_bytes: PositiveInt = of(
        256 * _MIB, "Memory for bodies over 1 MiB, until they are answered, all together."
    )
    max_upstream_reads: PositiveInt = of(120, "Calls to GES that one operation may cause.")
