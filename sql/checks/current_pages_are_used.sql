-- A page is current if, and only if, a recommendation, lesson or good practice is read from it.
-- severity: error
with used as (
    select recommendations.page_id
    from main.recommendations as recommendations
    union
    select lessons.page_id
    from main.lessons as lessons
    union
    select practices.page_id
    from main.good_practices as practices
)

select
    pages.page_id,
    pages.source_uri,
    pages.status,
    pages.is_current
from raw.pages as pages
left join used on used.page_id = pages.page_id
where pages.is_current <> (used.page_id is not null)
