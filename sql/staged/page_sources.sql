-- One row a page: where and when it was first and last seen, and the number and kind of record that its address names,
-- if one of its addresses is one of i-eval Discovery (…/ievaldiscovery/recommendations/12731): of several the earliest.
with named as (
    select page_id, first_seen_at, source_uri,
        regexp_extract(
            source_uri,
            '^https?://[^/\s]+/ievaldiscovery/([a-z_-]+)/(\d{1,18})/?(?:[?#].*)?$',
            ['kind', 'number'],
            'i'
        ) as address
    from staged.sightings
),

sources as (
    select
        page_id,
        min(first_seen_at) as first_seen_at,
        arg_min(source_uri, row(first_seen_at, source_uri)) as source_uri,
        max(first_seen_at) as last_seen_at,
        arg_max(source_uri, row(first_seen_at, source_uri)) as last_source_uri,
        arg_min(address, row(first_seen_at, source_uri)) filter (where address.number <> '') as address
    from named
    group by page_id
)

select
    page_id,
    first_seen_at,
    source_uri,
    last_seen_at,
    last_source_uri,
    cast(address.number as bigint) as address_number,
    case lower(address.kind)
        when 'recommendations' then 'recommendation'
        when 'lessons' then 'lesson'
        when 'practices' then 'good_practice'
        else 'any'
    end as address_record_kind
from sources
