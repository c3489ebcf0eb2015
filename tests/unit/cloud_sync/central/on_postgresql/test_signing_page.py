"""The page of the signing room."""

from tests.unit.cloud_sync.central.signing.conftest import *  # noqa: F403
from tests.unit.cloud_sync.central.signing.test_page import *  # noqa: F403
