-- What has been promised for a country?
-- Also by global evaluations: first what a plan promises the country by name, then what is promised for a
-- whole programme whose evaluation is filed under the country.
-- $country (text from mart.country_names.name, default Cambodia): ISO alpha-3 code, or a name in English, French or Spanish, or as printed
select
    items.country_name as country,
    items.basis,
    items.item_text as promise,
    items.mention_text as words_that_name_it,
    items.management_response_label as follow_up_status,
    items.progress_label as progress,
    items.response_date,
    items.eval_title as evaluation,
    items.recommendation_id as number,
    items.item_number as item,
    items.url
from mart.country_action_items as items
inner join mart.country_names as names
    on names.country_iso3 = items.country_iso3
    and names.name = replace(strip_accents(lower(cast($country as varchar))), '’', '''')
order by
    items.country_name, items.basis desc, items.response_date desc nulls last,
    items.recommendation_id, items.item_number
