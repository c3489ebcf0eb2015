"""The demo that deploy/quickstart runs: broker, centre and box on loopback, and real images sent to it."""
