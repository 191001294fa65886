-- No two evaluations have a recommendation with the same words and the same action plan.
-- severity: warning
-- looks at everything
select
    recommendations.title,
    count(*) as recommendations,
    min(recommendations.recommendation_id) as first_recommendation_id,
    max(recommendations.recommendation_id) as last_recommendation_id
from main.recommendations as recommendations
where recommendations.title is not null and recommendations.action_plan is not null
group by recommendations.title, recommendations.action_plan
having count(distinct recommendations.eval_number) > 1
