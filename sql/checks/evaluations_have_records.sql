-- Every evaluation has a recommendation, lesson or good practice.
-- severity: error
select
    evaluations.eval_number,
    evaluations.title
from main.evaluations as evaluations
where
    evaluations.eval_number not in (
        select recommendations.eval_number
        from main.recommendations as recommendations
        where recommendations.eval_number is not null
        union all
        select lessons.eval_number
        from main.lessons as lessons
        where lessons.eval_number is not null
        union all
        select practices.eval_number
        from main.good_practices as practices
        where practices.eval_number is not null
    )
