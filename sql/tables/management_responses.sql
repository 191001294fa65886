-- One row a follow-up status.
select
    management_response_code,
    label,
    cast(sort_order as bigint) as sort_order,
    is_closed = '1' as is_closed
from reference.management_responses
