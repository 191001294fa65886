-- One row a follow-up status and a progress, whether they occur together or not: the recommendations that have
-- both, and whether that is a contradiction (NULL where none has).
with pairs as (
    select
        overview.management_response_code,
        overview.progress_code,
        count(*) as recommendations,
        bool_or(overview.has_status_conflict) as is_contradiction
    from mart.recommendation_overview as overview
    where overview.has_status_conflict is not null
    group by overview.management_response_code, overview.progress_code
)

select
    responses.label as management_response,
    levels.label as progress,
    coalesce(pairs.recommendations, 0) as recommendations,
    pairs.is_contradiction
from main.management_responses as responses
cross join main.progress_levels as levels
left join pairs
    on
        pairs.management_response_code = responses.management_response_code
        and pairs.progress_code = levels.progress_code
order by responses.sort_order, levels.sort_order
