"""The team's folder project/ as frozen values: settings, the team's own record, what is wrong with them, `qi new`."""
