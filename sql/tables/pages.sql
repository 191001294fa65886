-- One row for every distinct content of a page that was ever read.
select
    store.page_id,
    store.source_uri,
    store.first_seen_at,
    store.byte_size,
    records.layout,
    records.host,
    records.is_truncated,
    records.status,
    records.records[1].record_kind as record_kind,
    records.records[1].record_id as record_id,
    coalesce(len(records.records), 0) as record_count,
    records.eval_number,
    exists (
        select 1 from staged.current_copies where current_copies.page_id = store.page_id
    ) as is_current,
    records.line_count,
    records.chrome_line_count,
    store.page_text,
    store.page_bytes_base64
from staged.pages as store
inner join staged.records as records on records.page_id = store.page_id
