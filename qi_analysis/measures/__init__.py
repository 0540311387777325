"""One row per referral as at a day, and every measure counted by month."""
