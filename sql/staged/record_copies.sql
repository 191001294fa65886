-- One row a copy of a record: every time that an identified record stands on a page that was ever read.
-- copy_rank 1 is the copy that the core tables use: complete before truncated, the source's test host last, then
-- newest; among copies seen at the same time the one whose address sorts last (page.v2.txt after page.txt).
select
    pages.page_id,
    record.record_number,
    record.record_kind,
    record.record_id,
    pages.eval_number,
    pages.is_truncated,
    coalesce(pages.host = 'analyticstest.ilo.org', false) as is_from_test_host,
    store.first_seen_at,
    store.source_uri,
    row_number() over (
        partition by record.record_kind, record.record_id
        order by
            pages.is_truncated,
            is_from_test_host,
            store.first_seen_at desc,
            store.source_uri desc,
            pages.page_id desc,
            record.record_number
    ) as copy_rank
from (
    select page_id, eval_number, is_truncated, host, unnest(records) as record
    from staged.records
) as pages
inner join staged.pages as store on store.page_id = pages.page_id
where record.record_id is not null
