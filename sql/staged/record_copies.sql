-- One row a copy of a record: every time that an identified record stands on a page that was ever read.
-- copy_rank 1 is the copy that the core tables use: complete before truncated, the source's test host last, then
-- newest; among copies last seen at the same time the one whose address sorts last (page.v2.txt after page.txt).
select
    records.page_id,
    records.record_number,
    records.record_kind,
    records.record_id,
    records.eval_number,
    records.is_truncated,
    records.is_from_test_host,
    sources.last_seen_at,
    sources.last_source_uri,
    row_number() over (
        partition by records.record_kind, records.record_id
        order by
            records.is_truncated,
            records.is_from_test_host,
            sources.last_seen_at desc,
            sources.last_source_uri desc,
            records.page_id desc,
            records.record_number
    ) as copy_rank
from staged.page_records as records
inner join staged.page_sources as sources on sources.page_id = records.page_id
where records.record_id is not null
