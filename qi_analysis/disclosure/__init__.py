"""What may be seen: small counts, the attack on a release, the ledger of what was shown."""
