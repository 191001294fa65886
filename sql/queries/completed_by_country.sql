-- What share of recommendations is completed, by country?
-- A recommendation whose evaluation is filed under several counts in each of them, and once in the first row.
select
    by_country.label as country,
    by_country.region_label as region,
    by_country.recommendations,
    by_country.completed,
    by_country.unknown_response as unknown_status,
    round(by_country.completed_share, 3) as completed_share,
    round(by_country.implemented_share, 3) as implemented_share
from mart.implementation_by_country as by_country
order by by_country.is_total desc, by_country.recommendations desc, by_country.label
