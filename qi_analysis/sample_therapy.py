"""What is done in the visits of the synthetic extract: therapies, scores and internet-therapy logs."""

import numpy as np
import pandas as pd

from qi_analysis.sample_care import FIRST, HI, HIGH, LI, LOW, Known
from qi_analysis.sample_layout import Rng, Span

THERAPIES = {  # LI first, then HI, then employment support; codes of therapy_types.csv
    "702545008": "psychoeducation",
    "748051000000105": "guided self-help, book",
    "748101000000105": "non-guided self-help, book",
    "748041000000107": "guided self-help, computer",
    "1026111000000108": "other LI",
    "975131000000104": "community signposting",
    "304891004": "cognitive behaviour therapy",
    "1129471000000105": "couple therapy",
    "286711000000107": "counselling",
    "449030000": "eye movement desensitisation and reprocessing",
    "933221000000107": "mindfulness",
    "1026131000000100": "other HI",
    "1098051000000103": "employment support",
}
PSYCHOEDUCATION, SIGNPOSTING, CBT, EMPLOYMENT = 0, 5, 6, 12  # places in THERAPIES
LI_THERAPIES = 6
LI_ITEMS = ("psychoed_peer", "gsh_book", "nongsh_book", "gsh_computer", "other_li")  # of li_appointment_mix
HI_MIX = (0.62, 0.04, 0.17, 0.05, 0.04, 0.08)  # invented: mostly cognitive behaviour therapy
ASSESSED_AS_LI, SIGNPOSTED = 0.42, 0.02  # of assessments; the rest are coded as cognitive behaviour therapy
STRAY_HI = 0.05  # share of LI courses of 3 or more sessions in which the second is a single HI contact
LOGS_A_PERSON, LOGGING_SHARE = 24, {LI: 0.14, HI: 0.42}  # together about 600 logs a month


def build_therapies(rng: Rng, referrals: pd.DataFrame, contacts: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Add the therapy (place in THERAPIES) and its intensity (0 LI, 1 HI); a course mostly keeps to one.

    Assessments are coded HI in over half of the cases, which is why few people had LI only by the date rule.
    """
    li = np.array([known["li_appointment_mix", item] for item in LI_ITEMS])
    n, count = len(referrals), len(contacts)
    referral, stretch = contacts.referral.to_numpy(), contacts.stretch.to_numpy()
    usual_li, usual_hi = rng.choice(len(li), n, p=li / li.sum()), rng.choice(len(HI_MIX), n, p=HI_MIX)
    other_li = rng.choice(len(li), count, p=li / li.sum())
    as_li = np.where(rng.random(count) < 0.9, usual_li[referral], other_li)
    luck = rng.random(count)
    first = np.select([luck < ASSESSED_AS_LI, luck > 1 - SIGNPOSTED], [as_li, SIGNPOSTING], CBT)
    may_stray = ((referrals.n_hi == 0) & (referrals.n_li >= 3) & ~referrals.clean).to_numpy()
    strays = may_stray & (rng.random(n) < STRAY_HI)
    stray = strays[referral] & (stretch == LOW) & contacts.step.eq(1).to_numpy()
    cases = [contacts.app_type == 10, stretch == FIRST, (stretch == HIGH) | stray]
    therapy = np.select(cases, [EMPLOYMENT, first, LI_THERAPIES + usual_hi[referral]], as_li)
    return contacts.assign(therapy=therapy, intensity=(therapy >= LI_THERAPIES).astype(int))


def build_scores(rng: Rng, referrals: pd.DataFrame, contacts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add PHQ-9 and GAD-7: at referral, and at each contact on a curve that levels off; completers gain more.

    Sizes are chosen to come near M185 to M195 of sessions_waits_outcomes (half recover, two thirds improve).
    """
    n, shared = len(referrals), rng.standard_normal(len(referrals))
    gain = np.where(referrals.end_code == 0, 1.15, 0.35) * np.clip(rng.normal(1, 0.8, n), -1, 2.6)
    start = {
        name: mean + sd * (0.83 * shared + 0.56 * rng.standard_normal(n))
        for name, mean, sd in (("phq", 12.9, 5.8), ("gad", 11.9, 4.9))
    }
    seen = contacts.attendance.isin([5, 6]).astype(int)
    order = (seen.groupby(contacts.referral).cumsum() - seen).to_numpy()
    referral, worn = contacts.referral.to_numpy(), 1 - np.exp(-order / 2.2)
    for name, drop, top in (("phq", 10.0, 27), ("gad", 9.7, 21)):
        score = start[name][referral] - drop * gain[referral] * worn + rng.normal(0, 2.0, len(contacts))
        contacts = contacts.assign(**{name: np.clip(np.rint(score), 0, top).astype(int)})
    return referrals.assign(**start), contacts


def build_logs(rng: Rng, span: Span, referrals: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Weekly logs of a share of those in treatment, from the first session on while the referral is open."""
    start = visits[visits.stretch > FIRST].groupby("referral").place.min()
    kind = referrals.kind.to_numpy()[start.index]
    chosen = rng.random(len(start)) < np.where(kind == LI, LOGGING_SHARE[LI], LOGGING_SHARE[HI])
    start = start[chosen & ~referrals.clean.to_numpy()[start.index]]
    often = rng.geometric(1 / LOGS_A_PERSON, len(start))
    referral = np.repeat(start.index.to_numpy(), often)
    week = np.arange(len(referral)) - np.repeat(np.cumsum(often) - often, often)
    day = span.clinic_days[start.to_numpy()].repeat(often) + 7 * week
    logs = pd.DataFrame({"referral": referral, "day": day, "minutes": rng.integers(5, 60, len(day))})
    return logs[day <= np.minimum(referrals.left.to_numpy()[referral] - 6, span.end)]
