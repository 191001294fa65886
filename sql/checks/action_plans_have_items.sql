-- An action plan that has words has at least one action item.
-- severity: error
select
    recommendations.recommendation_id,
    recommendations.action_plan
from main.recommendations as recommendations
where
    regexp_matches(recommendations.action_plan, '\pL')
    and not exists (
        select 1
        from main.action_items as items
        where items.recommendation_id = recommendations.recommendation_id
    )
