-- The status periods of a recommendation follow each other without gap or overlap; the last alone is open.
-- severity: error
with periods as (
    select
        history.*,
        lead(history.valid_from) over (
            partition by history.recommendation_id order by history.valid_from
        ) as next_valid_from
    from main.recommendation_status_history as history
)

select
    periods.recommendation_id,
    periods.valid_from,
    periods.valid_to,
    periods.next_valid_from,
    periods.is_current
from periods
where
    periods.valid_to is distinct from periods.next_valid_from
    or periods.is_current <> (periods.next_valid_from is null)
