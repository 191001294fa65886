-- One row a recommendation with its management response, from the current copy of its page.
-- Completed goes with Achieved, Partially Completed with Partially achieved, the other three with No implementation;
-- any other pair contradicts itself.
with labelled as (
    select copies.record_id, copies.eval_number, copies.language, copies.page_id, record
    from (select page_id, unnest(records) as record from staged.records) as records
    inner join staged.current_copies as copies
        on copies.page_id = records.page_id and copies.record_number = record.record_number
    where copies.record_kind = 'recommendation'
)

select
    labelled.record_id as recommendation_id,
    labelled.eval_number,
    record.response_date as response_date,
    record.title as title,
    record.action_plan as action_plan,
    record.comments as comments,
    record.management_response_label as management_response_label,
    responses.management_response_code,
    record.progress_label as progress_label,
    progress.progress_code,
    case
        when responses.management_response_code = 'completed' then progress.progress_code <> 'achieved'
        when responses.management_response_code = 'partially_completed'
            then progress.progress_code <> 'partially_achieved'
        when responses.management_response_code is not null then progress.progress_code <> 'no_implementation'
    end as has_status_conflict,
    record.information_source_label as information_source_label,
    sources.information_source_code,
    labelled.language,
    record.url as url,
    labelled.page_id
from labelled
left join main.management_responses as responses on responses.label = record.management_response_label
left join main.progress_levels as progress on progress.label = record.progress_label
left join main.information_sources as sources on sources.label = record.information_source_label
