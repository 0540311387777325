"""Everything of one review that stays in the workshop, in one value."""

from dataclasses import dataclass

import pandas as pd

from qi_analysis.account import Account
from qi_analysis.clean import Tables
from qi_analysis.pathways import Pathways
from qi_analysis.periods import Period
from qi_analysis.settings import Record
from qi_analysis.team_record_values import TeamRecord


@dataclass(frozen=True)
class Workings:
    """Everything of one review that stays in the workshop."""

    record: Record
    period: Period
    tables: Tables
    account: Account
    pathways: Pathways
    results: pd.DataFrame
    is_synthetic: bool
    file_tables: list[str]
    team: TeamRecord = TeamRecord()
