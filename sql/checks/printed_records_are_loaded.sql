-- Every address of a record that a complete page prints as its own has its row in the core tables.
-- Read from the fields of the page, so that the second record of a page is not lost either.
-- severity: error, blocking
with printed as (
    select
        fields.page_id,
        fields.line_number,
        fields.value as url,
        regexp_extract(fields.path, '^[a-z_]+') as block,
        try_cast(regexp_extract(fields.value, '/ievaldiscovery/[a-z_-]+/(\d{1,18})/?\s*$', 1) as bigint)
            as record_id
    from raw.page_fields as fields
    inner join raw.pages as pages on pages.page_id = fields.page_id
    where not pages.is_truncated and regexp_matches(fields.path, '^[a-z_]+\[\d+\]\.url$')
    -- A second url of one block is text that has strayed there.
    qualify row_number() over (partition by fields.page_id, fields.path order by fields.line_number) = 1
),

loaded as (
    select 'recommendations' as block, recommendations.recommendation_id as record_id
    from main.recommendations as recommendations
    union all
    select 'lessons_learned', lessons.lesson_id
    from main.lessons as lessons
    union all
    select 'good_practices', practices.practice_id
    from main.good_practices as practices
)

select
    printed.page_id,
    printed.line_number,
    printed.url
from printed
left join loaded on loaded.block = printed.block and loaded.record_id = printed.record_id
where printed.record_id is not null and loaded.record_id is null
