-- What share of recommendations is completed, by donor of the project?
-- A recommendation of several donors counts with each of them, and once in the first row.
select
    by_donor.label as donor,
    by_donor.donor_kind as kind,
    by_donor.recommendations,
    by_donor.completed,
    by_donor.unknown_response as unknown_status,
    round(by_donor.completed_share, 3) as completed_share,
    round(by_donor.implemented_share, 3) as implemented_share
from mart.implementation_by_donor as by_donor
order by by_donor.is_total desc, by_donor.recommendations desc, by_donor.label
