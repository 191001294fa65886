-- What share of recommendations is completed, by year of the response?
select
    by_year.label as year,
    by_year.recommendations,
    by_year.completed,
    by_year.unknown_response as unknown_status,
    round(by_year.completed_share, 3) as completed_share,
    round(by_year.implemented_share, 3) as implemented_share
from mart.implementation_by_year as by_year
order by by_year.is_total desc, by_year.year desc nulls last
