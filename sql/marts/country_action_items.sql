-- One row an action item and a country that it holds for, with the basis for saying so.
-- `named in the text`: the plan names the country for this item. `evaluation filed under`: the evaluation is
-- filed under the country and the item is programme-wide. An item that names other countries is theirs alone,
-- so no item comes twice for one country.
with filed as (
    -- Two labels of one country (Côte d'Ivoire with either apostrophe) are one.
    select distinct locations.eval_number, locations.country_iso3
    from main.evaluation_locations as locations
    where locations.country_iso3 is not null
),

promises as (
    select
        item_countries.recommendation_id,
        item_countries.item_number,
        item_countries.country_iso3,
        'named in the text' as basis,
        item_countries.evidence,
        item_countries.mention_text
    from main.action_item_countries as item_countries
    union all
    select
        items.recommendation_id,
        items.item_number,
        filed.country_iso3,
        'evaluation filed under',
        null,
        null
    from main.action_items as items
    inner join main.recommendations as recommendations
        on recommendations.recommendation_id = items.recommendation_id
    inner join filed on filed.eval_number = recommendations.eval_number
    where items.scope = 'programme'
)

select
    promises.recommendation_id,
    promises.item_number,
    promises.country_iso3,
    promises.basis,
    countries.name as country_name,
    items.heading_text,
    items.item_text,
    promises.evidence,
    promises.mention_text,
    recommendations.title,
    recommendations.response_date,
    recommendations.management_response_label,
    recommendations.management_response_code,
    recommendations.progress_label,
    recommendations.progress_code,
    coalesce(responses.is_closed, false) as is_closed,
    recommendations.eval_number,
    evaluations.title as eval_title,
    recommendations.url
from promises
inner join main.countries as countries on countries.country_iso3 = promises.country_iso3
inner join main.action_items as items
    on items.recommendation_id = promises.recommendation_id and items.item_number = promises.item_number
inner join main.recommendations as recommendations
    on recommendations.recommendation_id = promises.recommendation_id
left join main.evaluations as evaluations on evaluations.eval_number = recommendations.eval_number
left join main.management_responses as responses
    on responses.management_response_code = recommendations.management_response_code
