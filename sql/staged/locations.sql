-- One row a location printed on a page, with our region beside the printed one. Whether the printed region is the
-- right one can be told for a country (its ILO region), for `Africa - regional` (the region it begins with) and for
-- `Inter-Regional` (itself).
select
    records.page_id,
    location.country_label as country_label,
    location.country_line as country_line,
    location.region_label as region_label,
    location.region_line as region_line,
    place.scope as scope,
    place.country_iso3 as country_iso3,
    place.suggestion as suggestion,
    regions.region_code,
    own_region.label as own_region_label,
    case place.scope
        when 'country' then regions.label = own_region.label
        when 'regional'
            then if(
                regexp_matches(location.country_label, '\s-\s+regional$'),
                regions.label = regexp_replace(location.country_label, '\s+-\s+regional$', ''),
                null
            )
        when 'inter-regional' then regions.label = 'Inter-Regional'
    end as is_region_consistent
from (select page_id, unnest(locations) as location from staged.records) as records
inner join (select page_id, unnest(locations) as place from staged.places) as places
    on places.page_id = records.page_id and place.position = location.position
left join main.regions as regions on regions.label = location.region_label
left join main.countries as countries on countries.country_iso3 = place.country_iso3
left join main.regions as own_region on own_region.region_code = countries.region_code
