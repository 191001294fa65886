-- One row a paragraph, bullet or numbered line of an action plan.
select
    copies.record_id as recommendation_id,
    item.item_number as item_number,
    item.paragraph_number as paragraph_number,
    item.marker as marker,
    item.heading_text as heading_text,
    item.item_text as item_text,
    item.scope as scope,
    item.char_start as char_start,
    item.char_end as char_end
from (select page_id, unnest(action_items) as item from staged.places) as places
inner join staged.current_copies as copies
    on copies.page_id = places.page_id and copies.record_number = item.record_number
where copies.record_kind = 'recommendation'
