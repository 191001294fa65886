-- One row a country that an action item is about, with the words that this rests on.
select
    copies.record_id as recommendation_id,
    country.item_number as item_number,
    country.country_iso3 as country_iso3,
    country.evidence as evidence,
    country.mention_text as mention_text,
    country.char_start as char_start,
    country.char_end as char_end
from (select page_id, unnest(action_item_countries) as country from staged.places) as places
inner join staged.current_copies as copies
    on copies.page_id = places.page_id and copies.record_number = country.record_number
where copies.record_kind = 'recommendation'
