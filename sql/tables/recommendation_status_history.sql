-- One row a period in which a recommendation had the same two statuses, from all complete copies of its page and every
-- time that one of them was seen.
-- A copy that repeats the statuses of the one before (a repaired apostrophe) begins no period; of several copies that
-- were seen at the same time the one that the core tables prefer speaks. The source's test host is heard only where no
-- copy of the real one is.
with copies as (
    select page_id, record_number, record_id
    from staged.page_records
    where record_kind = 'recommendation' and record_id is not null and not is_truncated
    qualify is_from_test_host = min(is_from_test_host) over (partition by record_id)
),

seen as (
    select copies.record_id, sightings.first_seen_at as seen_at, copies.page_id,
        responses.management_response_code, progress.progress_code
    from copies
    inner join staged.sightings as sightings on sightings.page_id = copies.page_id
    inner join (select page_id, unnest(records) as record from staged.records) as records
        on records.page_id = copies.page_id and record.record_number = copies.record_number
    left join main.management_responses as responses on responses.label = record.management_response_label
    left join main.progress_levels as progress on progress.label = record.progress_label
    qualify row_number() over (
        partition by copies.record_id, sightings.first_seen_at
        order by sightings.source_uri desc, copies.page_id desc, copies.record_number
    ) = 1
),

changed as (
    select * from seen
    window periods as (partition by record_id order by seen_at)
    qualify row_number() over periods = 1
        or management_response_code is distinct from lag(management_response_code) over periods
        or progress_code is distinct from lag(progress_code) over periods
)

select
    record_id as recommendation_id,
    seen_at as valid_from,
    lead(seen_at) over periods as valid_to,
    lead(seen_at) over periods is null as is_current,
    management_response_code,
    progress_code,
    page_id
from changed
window periods as (partition by record_id order by seen_at)
