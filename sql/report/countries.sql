-- One row a country that action plans name: how many of their action items name it, how many of these belong to
-- open recommendations, and of how many recommendations they are. The most named come first.
select
    items.country_iso3,
    items.country_name,
    count(*) as action_items,
    count(*) filter (where not items.is_closed) as open_action_items,
    count(distinct items.recommendation_id) as recommendations
from mart.country_action_items as items
where items.basis = 'named in the text'
group by items.country_iso3, items.country_name
order by action_items desc, open_action_items desc, items.country_name
