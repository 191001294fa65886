-- An action item about countries has at least one, and one for the whole programme has none.
-- severity: error
with countries as (
    select item_countries.recommendation_id, item_countries.item_number, count(*) as countries
    from main.action_item_countries as item_countries
    group by item_countries.recommendation_id, item_countries.item_number
)

select
    items.recommendation_id,
    items.item_number,
    items.scope,
    coalesce(countries.countries, 0) as countries
from main.action_items as items
left join countries
    on countries.recommendation_id = items.recommendation_id and countries.item_number = items.item_number
where (items.scope = 'country') <> (coalesce(countries.countries, 0) > 0)
