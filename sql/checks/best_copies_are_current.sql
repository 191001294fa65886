-- Of the copies of a record the best is in use: complete before truncated, test host last, then newest.
-- Pages of several records are left out, since each record of a page may have its best copy elsewhere.
-- severity: error
with copies as (
    select
        pages.page_id,
        pages.source_uri,
        pages.record_kind,
        pages.record_id,
        pages.is_current,
        sightings.last_seen_at,
        row(pages.is_truncated, coalesce(pages.host = 'analyticstest.ilo.org', false)) as shortcomings
    from raw.pages as pages
    inner join (
        select page_sightings.page_id, max(page_sightings.seen_at) as last_seen_at
        from raw.page_sightings as page_sightings
        group by page_sightings.page_id
    ) as sightings on sightings.page_id = pages.page_id
    where pages.record_count = 1 and pages.record_id is not null
)

select
    used.page_id,
    used.source_uri,
    used.record_kind,
    used.record_id,
    other.page_id as better_page_id,
    other.source_uri as better_source_uri
from copies as used
inner join copies as other on other.record_kind = used.record_kind and other.record_id = used.record_id
where
    used.is_current
    and (
        other.shortcomings < used.shortcomings
        or (other.shortcomings = used.shortcomings and other.last_seen_at > used.last_seen_at)
    )
