-- What share of recommendations is completed, by region?
-- A recommendation of several regions counts in each of them, and once in the first row.
select
    by_region.label as region,
    by_region.recommendations,
    by_region.completed,
    by_region.unknown_response as unknown_status,
    round(by_region.completed_share, 3) as completed_share,
    round(by_region.implemented_share, 3) as implemented_share
from mart.implementation_by_region as by_region
order by by_region.is_total desc, by_region.recommendations desc, by_region.label
