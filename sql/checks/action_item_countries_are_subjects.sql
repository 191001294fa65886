-- The words that give an action item its country are a mention of that country as a subject.
-- A donor, a model, an exception or an office's seat never makes a promise for its country.
-- severity: error
select
    item_countries.recommendation_id,
    item_countries.item_number,
    item_countries.country_iso3,
    item_countries.mention_text
from main.action_item_countries as item_countries
where not exists (
    select 1
    from main.country_mentions as mentions
    where
        mentions.record_kind = 'recommendation'
        and mentions.record_id = item_countries.recommendation_id
        and mentions.field = 'action_plan'
        and mentions.country_iso3 = item_countries.country_iso3
        and mentions.char_start = item_countries.char_start
        and mentions.role = 'subject'
)
