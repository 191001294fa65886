-- One row a country named in a text field of a record.
select
    copies.record_kind,
    copies.record_id,
    mention.field as field,
    mention.char_start as char_start,
    mention.country_iso3 as country_iso3,
    mention.char_end as char_end,
    mention.mention_text as mention_text,
    mention.mention_kind as mention_kind,
    mention.role as role
from (select page_id, unnest(country_mentions) as mention from staged.places) as places
inner join staged.current_copies as copies
    on copies.page_id = places.page_id and copies.record_number = mention.record_number
