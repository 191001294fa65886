-- One row for every distinct content of a page that was ever read.
select
    store.page_id,
    sources.source_uri,
    sources.first_seen_at,
    store.byte_size,
    records.layout,
    records.host,
    records.is_truncated,
    records.status,
    records.identities[1].record_kind as record_kind,
    first_records.record_id,
    coalesce(len(records.identities), 0) as record_count,
    records.eval_number,
    exists (
        select 1 from staged.current_copies where current_copies.page_id = store.page_id
    ) as is_current,
    records.line_count,
    records.chrome_line_count,
    store.page_text,
    store.page_bytes_base64
from staged.pages as store
inner join staged.page_sources as sources on sources.page_id = store.page_id
inner join staged.records as records on records.page_id = store.page_id
left join staged.page_records as first_records
    on first_records.page_id = store.page_id and first_records.record_number = 1
