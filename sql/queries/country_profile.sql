-- What do we have on a country, in numbers?
-- $country (text from mart.country_names.name, default Cambodia): ISO alpha-3 code, or a name in English, French or Spanish, or as printed
select
    profile.country_name as country,
    profile.region_label as region,
    profile.income_group,
    profile.evaluations,
    profile.recommendations,
    profile.open_recommendations,
    profile.closed_recommendations,
    profile.action_items_naming_it as promises_naming_it,
    profile.action_items_in_evaluations_filed_elsewhere as of_them_in_evaluations_filed_elsewhere,
    profile.lessons,
    profile.good_practices,
    profile.projects,
    profile.projects_paid_for,
    profile.newest_response_date,
    profile.oldest_open_response_date
from mart.country_profile as profile
inner join mart.country_names as names
    on names.country_iso3 = profile.country_iso3
    and names.name = replace(strip_accents(lower(cast($country as varchar))), '’', '''')
order by profile.country_name
