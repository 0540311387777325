"""LI bookings: the appointments of an LI episode that were made after an attended LI session.

Whether a missed appointment was for LI is seldom written on it. It is taken for LI when LI had begun and had not ended:
the latest attended treatment before it was LI. An appointment known to be HI (HI therapy and no LI) is none.
"""

import numpy as np
import pandas as pd

from qi_analysis.pathways import Pathways

ATTENDANCE = ("2", "3", "4", "5", "6", "7")  # anything else is no booking that has come due


def build_bookings(pathways: Pathways) -> pd.DataFrame:
    """referral, contact_on and attendance of each LI booking.

    Dated after the day LI began and up to the day LI ended (the day of the review while it is open), attendance 2 to 7.
    """
    contacts, episodes = pathways.contacts, pathways.referrals
    referral, on = contacts["referral"].to_numpy(), contacts["contact_on"].to_numpy()
    start, end = episodes["li_start"].to_numpy()[referral], episodes["li_end"].to_numpy()[referral]
    inside = (on > start) & (np.isnat(end) | (on <= end))  # without a start the comparison is false
    is_hi = (contacts["has_hi"] & ~contacts["has_li_cbt"]).to_numpy()
    chosen = inside & ~is_hi & contacts["attendance"].isin(ATTENDANCE).to_numpy()
    return contacts.loc[chosen, ["referral", "contact_on", "attendance"]]
