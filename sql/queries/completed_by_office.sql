-- What share of recommendations is completed, by responsible office?
-- A recommendation of several offices counts in each of them, and once in the first row.
select
    by_office.label as office,
    by_office.kind,
    by_office.recommendations,
    by_office.completed,
    by_office.unknown_response as unknown_status,
    round(by_office.completed_share, 3) as completed_share,
    round(by_office.implemented_share, 3) as implemented_share
from mart.implementation_by_admin_unit as by_office
order by by_office.is_total desc, by_office.recommendations desc, by_office.label
