-- A recommendation that is read from a complete page has an open period, with the same statuses.
-- The history knows complete copies only, so one that is known from a cut page alone has none.
-- severity: error
select
    recommendations.recommendation_id,
    recommendations.management_response_code,
    history.management_response_code as management_response_code_in_history,
    recommendations.progress_code,
    history.progress_code as progress_code_in_history
from main.recommendations as recommendations
inner join raw.pages as pages on pages.page_id = recommendations.page_id
left join main.recommendation_status_history as history
    on history.recommendation_id = recommendations.recommendation_id and history.is_current
where
    not pages.is_truncated
    and (
        history.recommendation_id is null
        or history.management_response_code is distinct from recommendations.management_response_code
        or history.progress_code is distinct from recommendations.progress_code
    )
