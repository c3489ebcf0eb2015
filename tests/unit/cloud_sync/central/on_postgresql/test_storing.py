"""The ingest."""

from tests.unit.cloud_sync.central.test_storing import *  # noqa: F403

del test_low_water_and_gaps_say_exactly_what_is_missing  # noqa: F821  # makes a file for each of its examples
