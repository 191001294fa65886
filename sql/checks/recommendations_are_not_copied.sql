-- No two evaluations have a recommendation with the same words and the same action plan.
-- severity: warning
-- looks at everything
with hashed as (
    select
        recommendations.recommendation_id,
        hash(recommendations.title, recommendations.action_plan) as words_hash
    from main.recommendations as recommendations
    where recommendations.title is not null and recommendations.action_plan is not null
),

-- Long texts are compared only where their hashes are equal.
repeated as (
    select hashed.words_hash
    from hashed
    group by hashed.words_hash
    having count(*) > 1
)

select
    recommendations.title,
    count(*) as recommendations,
    min(recommendations.recommendation_id) as first_recommendation_id,
    max(recommendations.recommendation_id) as last_recommendation_id
from repeated
inner join hashed on hashed.words_hash = repeated.words_hash
inner join main.recommendations as recommendations on recommendations.recommendation_id = hashed.recommendation_id
group by recommendations.title, recommendations.action_plan
having count(distinct recommendations.eval_number) > 1
