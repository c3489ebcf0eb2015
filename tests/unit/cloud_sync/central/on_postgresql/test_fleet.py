"""What the pages ask of the database."""

from tests.unit.cloud_sync.central.test_fleet import *  # noqa: F403
