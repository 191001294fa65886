-- Every record page whose record has a number has its row in the core tables: no record is lost.
-- severity: error, blocking
with loaded as (
    select 'recommendation' as record_kind, recommendations.recommendation_id as record_id
    from main.recommendations as recommendations
    union all
    select 'lesson', lessons.lesson_id
    from main.lessons as lessons
    union all
    select 'good_practice', practices.practice_id
    from main.good_practices as practices
)

select
    pages.page_id,
    pages.source_uri,
    pages.record_kind,
    pages.record_id
from raw.pages as pages
left join loaded on loaded.record_kind = pages.record_kind and loaded.record_id = pages.record_id
where pages.status = 'record' and pages.record_id is not null and loaded.record_id is null
