"""The people of the synthetic extract: local numbers, NHS numbers that cannot exist, and characteristics."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.sample_care import Block
from qi_analysis.sample_layout import (
    CODE_CHANGE,
    Rng,
    build_dates,
    build_ids,
    build_marked,
    build_text,
    write_rows,
)

STRIDE = 1_000_000  # room for the numbers of one block
LANGUAGES = {"en": 0.93, "pl": 0.02, "es": 0.01, "fa": 0.01, "ar": 0.01, "pt": 0.01, "fr": 0.01}  # invented
BORN_ABOUT_1900 = 0.0005  # share of people with an impossible age
ETHNIC_CODES = "ABCDEFGHJKLMNPRS"
ETHNIC_ITEMS = (  # names of demographics_ethnicity in the order of ETHNIC_CODES
    "White: British", "White: Irish", "White: Any other White background", "Mixed: White and Black Caribbean",
    "Mixed: White and Black African", "Mixed: White and Asian", "Mixed: Any other Mixed background",
    "Asian or Asian British: Indian", "Asian or Asian British: Pakistani",
    "Asian or Asian British: Bangladeshi",
    "Asian or Asian British: Any other Asian background", "Black or Black British: Caribbean",
    "Black or Black British: African", "Black or Black British: Any other Black background",
    "Other Ethnic Groups: Chinese", "Other Ethnic Groups: Any Other Ethnic Group",
)  # fmt: skip


def build_referral_ids(block: Block, referral: np.ndarray, month: np.ndarray) -> pa.Array:
    """ServiceRequestId: R and a number; S and an unrelated one for all submitted under the new code."""
    return _build_local_ids(block, "RS", referral, month)


def build_patient_ids(block: Block, person: np.ndarray, month: np.ndarray) -> pa.Array:
    """LocalPatientId: P and a number; Q and an unrelated one under the new code."""
    return _build_local_ids(block, "PQ", person, month)


def _build_local_ids(block: Block, letters: str, place: np.ndarray, month: np.ndarray) -> pa.Array:
    shuffle = np.random.Generator(np.random.PCG64([block.number, ord(letters[0])]))
    old, new = shuffle.permutation(len(block.referrals)), shuffle.permutation(len(block.referrals))
    after = month >= block.span.month_number(CODE_CHANGE)
    number = block.number * STRIDE + 1 + np.where(after, new[place], old[place])
    return pc.binary_join_element_wise(build_text(list(letters), after), build_ids("", number), "")


def _build_nhs_numbers(block: Block, rng: Rng) -> list[str]:
    """Ten digits, the last never the right check digit. Test patients begin with 999; a tenth have spaces."""
    n = len(block.referrals)
    number = block.number * STRIDE + np.arange(n)
    body = number * 48_271 % 99_999_989 + 400_000_000
    clean = np.isin(np.arange(n), block.referrals.person[block.referrals.clean])
    test = ~clean & (rng.random(n) < block.fault_rate("test_patient"))
    body = np.where(test, 999_000_000 + block.number * 10_000 + np.cumsum(test), body)
    digits = body[:, None] // 10 ** np.arange(8, -1, -1) % 10
    right = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11  # 10: no digit is right
    wrong = (right + 1 + rng.integers(0, 9, n) * (right < 10)) % 10
    plain = (body * 10 + wrong).astype(str)
    spaced = rng.random(n) < block.fault_rate("nhs_number_with_spaces")
    return [f"{t[:3]} {t[3:6]} {t[6:]}" if s else t for t, s in zip(plain, spaced, strict=True)]


def _build_traits(block: Block, rng: Rng) -> dict[str, tuple[list[str], np.ndarray]]:
    """Gender, ethnic category and language of each person, as codes and the place of each person's code."""
    known, n = block.known, len(block.referrals)
    genders = [known["demographics_gender", item] for item in ("Male", "Female", "Indeterminate")]
    gender = np.array([*genders, 0.002, block.fault_rate("gender_invalid_code")])
    unstated = known["demographics_ethnicity", "Not stated/Not known/Invalid: All"]
    stated = [known["demographics_ethnicity", item] for item in ETHNIC_ITEMS]
    ethnic = np.array([*stated, 0.6 * unstated, 0.2 * unstated, 0.2 * unstated])
    language = np.array(list(LANGUAGES.values()))
    places = [rng.choice(len(share), n, p=share / share.sum()) for share in (gender, ethnic, language)]
    places[1] = np.where(places[1] == len(ethnic) - 1, -1, places[1])  # the last share is missing altogether
    return {
        "gender": (["1", "2", "9", "X", "7"], places[0]),
        "ethnic": ([*ETHNIC_CODES, "Z", "99"], places[1]),
        "language": (list(LANGUAGES), np.where(rng.random(n) < 0.04, -1, places[2])),
    }


def write_people(folder: Path, block: Block, filed: pd.DataFrame, rng: Rng) -> None:
    """One patient row for each person, month and file (the columns of `filed`) with a referral."""
    people = filed.drop_duplicates()
    person, month = people.person.to_numpy(), people.month.to_numpy()
    referrals, traits, n = block.referrals, _build_traits(block, rng), len(block.referrals)
    born = referrals.received.to_numpy() - np.rint(referrals.age.to_numpy() * 365.25).astype(int)
    born = np.where(rng.random(n) < BORN_ABOUT_1900, rng.integers(-25_550, -25_000, n), born)
    decile = referrals.decile.to_numpy()
    unknown = rng.random(n) < block.known["demographics_imd_as_published", "Not stated/Not known/Invalid"]
    postcodes = [f"XX{d} {u}AA" for d in range(1, 11) for u in range(1, 6)]  # there is no area XX
    columns = [
        build_patient_ids(block, person, month),
        build_text(_build_nhs_numbers(block, rng), person),
        build_dates(rng, born[person]),
        build_text(postcodes, (decile - 1)[person] * 5 + person % 5),
        build_text(traits["gender"][0], traits["gender"][1][person]),
        build_marked(rng, traits["ethnic"][0], traits["ethnic"][1][person], 0.5),
        build_marked(rng, traits["language"][0], traits["language"][1][person], 0.3),
        build_marked(rng, [str(d) for d in range(1, 11)], np.where(unknown, -1, decile - 1)[person], 0.5),
        build_ids("N", block.number * STRIDE + 1 + person),
    ]
    write_rows(folder, "IDS001MPI", columns, (block.span, month, people.refresh.to_numpy()))
