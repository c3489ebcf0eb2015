"""Content: rule packs, networks, protocols, templates and dose tables as packages with one identity.

``manifest`` and ``package`` are what everybody shares: one file, one hash, one way to read it. ``rules`` makes a
rule set of packages and ``load`` all that judges; ``factory`` is what ships; ``drafts`` reads what nobody signed,
for developers' commands only. Nothing here decides whom to trust: it reads bytes that somebody has checked.
"""
