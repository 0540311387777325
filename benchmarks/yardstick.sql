-- The yardstick of scaling.py: what a hand-written query needs for the heart of the work. It reads the same files
-- as text, keeps the latest row of each record, links activities to contacts and contacts to referrals, and counts
-- attended contacts with an LI code by month. No cleaning, no pathways, no other measure. `folder` is set before.

CREATE TEMP TABLE header AS FROM read_csv(getvariable('folder') || '/IDS000Header.csv', all_varchar = true);
CREATE TEMP TABLE people AS FROM read_csv(getvariable('folder') || '/IDS001MPI.csv', all_varchar = true);
CREATE TEMP TABLE referrals AS FROM read_csv(getvariable('folder') || '/IDS101Referral.csv', all_varchar = true);
CREATE TEMP TABLE contacts AS FROM read_csv(getvariable('folder') || '/IDS201CareContact.csv', all_varchar = true);
CREATE TEMP TABLE activities AS FROM read_csv(getvariable('folder') || '/IDS202CareActivity.csv', all_varchar = true);
CREATE TEMP TABLE logs AS FROM read_csv(getvariable('folder') || '/IDS205InternetTherLog.csv', all_varchar = true);
CREATE TEMP TABLE referral_scores AS FROM read_csv(getvariable('folder') || '/IDS606CodedScoreReferral.csv', all_varchar = true);
CREATE TEMP TABLE activity_scores AS FROM read_csv(getvariable('folder') || '/IDS607CodedScoreActivity.csv', all_varchar = true);

WITH latest_referrals AS (
    SELECT ServiceRequestId
    FROM referrals
    QUALIFY row_number() OVER (PARTITION BY ServiceRequestId ORDER BY Unique_MonthID DESC, File_Type DESC) = 1
),
latest_contacts AS (
    SELECT CareContactId, ServiceRequestId, Unique_MonthID, CareContDate, AttendOrDNACode
    FROM contacts
    QUALIFY row_number() OVER (
        PARTITION BY ServiceRequestId, CareContactId, Unique_MonthID ORDER BY File_Type DESC
    ) = 1
),
li_contacts AS (
    SELECT DISTINCT CareContactId, Unique_MonthID
    FROM activities
    WHERE CodeProcAndProcStatus IN (
        '748051000000105', '748101000000105', '748041000000107', '748091000000102',
        '748061000000108', '702545008', '1026111000000108'
    )
)
SELECT strftime(try_cast(CareContDate AS DATE), '%Y-%m') AS month, count(*) AS attended_li_contacts
FROM latest_contacts
JOIN latest_referrals USING (ServiceRequestId)
JOIN li_contacts USING (CareContactId, Unique_MonthID)
WHERE AttendOrDNACode IN ('5', '6')
GROUP BY month
ORDER BY month;
