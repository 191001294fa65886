-- One row a country and a name by which one may ask for it: lower case, no accents, straight quotes.
with names as (
    select
        countries.country_iso3,
        unnest([
            countries.country_iso3,
            countries.name,
            -- Bolivia for Bolivia (Plurinational State of)
            regexp_replace(countries.name, ' \(.*', ''),
            countries.name_fr,
            countries.name_es
        ]) as name
    from main.countries as countries
    union all
    select locations.country_iso3, locations.country_label
    from main.evaluation_locations as locations
    union all
    select mentions.country_iso3, mentions.mention_text
    from main.country_mentions as mentions
    where mentions.mention_kind in ('name', 'code')
)

select distinct
    names.country_iso3,
    replace(strip_accents(lower(names.name)), '’', '''') as name
from names
where names.country_iso3 is not null and names.name is not null
