-- One row a number of whole years since the response: the open recommendations of that age by follow-up status.
-- The row without years is of those that have no date of response.
with aged as (
    select
        overview.management_response_code,
        -- Whole years, as birthdays are counted. A response dated after the newest observation is of this year.
        case
            when overview.age_days < 0 then 0
            else date_sub(
                'year', overview.response_date, overview.response_date + cast(overview.age_days as integer)
            )
        end as years
    from mart.recommendation_overview as overview
    where not overview.is_closed
)

select
    aged.years,
    count(*) as recommendations,
    count(*) filter (where aged.management_response_code = 'partially_completed') as partially_completed,
    count(*) filter (where aged.management_response_code = 'action_not_yet_taken') as action_not_yet_taken,
    count(*) filter (where aged.management_response_code is null) as unknown_response
from aged
group by aged.years
order by aged.years nulls last
