-- One row a record printed on a page, with the number that it is known by: the last one of its own url, or, where its
-- page is cut before that and has no other record, of the page's i-eval address, unless that is of another kind.
with printed as (
    select page_id, eval_number, host, is_truncated, unnest(identities) as record
    from staged.records
)

select
    printed.page_id,
    record.record_number as record_number,
    record.record_kind as record_kind,
    if(
        record.goes_by_address,
        if(sources.address_record_kind in (record.record_kind, 'any'), sources.address_number, null),
        record.record_id
    ) as record_id,
    record.goes_by_address as goes_by_address,
    printed.eval_number,
    printed.is_truncated,
    coalesce(printed.host = 'analyticstest.ilo.org', false) as is_from_test_host
from printed
inner join staged.page_sources as sources on sources.page_id = printed.page_id
