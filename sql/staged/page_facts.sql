-- One row a page: all that is known of it but its text, which is too large to be joined with anything.
select
    sources.page_id,
    sources.source_uri,
    sources.first_seen_at,
    records.layout,
    records.host,
    records.is_truncated,
    records.status,
    records.identities[1].record_kind as record_kind,
    first_records.record_id,
    coalesce(len(records.identities), 0) as record_count,
    records.eval_number,
    exists (
        select 1 from staged.current_copies where current_copies.page_id = sources.page_id
    ) as is_current,
    records.line_count,
    records.chrome_line_count
from staged.page_sources as sources
inner join staged.records as records on records.page_id = sources.page_id
left join staged.page_records as first_records
    on first_records.page_id = sources.page_id and first_records.record_number = 1
