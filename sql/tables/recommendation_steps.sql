-- One row a bullet or numbered line inside a recommendation's title.
select
    copies.record_id as recommendation_id,
    step.step_number as step_number,
    step.marker as marker,
    step.step_text as step_text,
    step.char_start as char_start,
    step.char_end as char_end
from (select page_id, unnest(steps) as step from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = step.record_number
where copies.record_kind = 'recommendation'
