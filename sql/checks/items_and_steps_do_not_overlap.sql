-- Action items and steps stand in their text in the order of their numbers; no word belongs to two of them.
-- severity: error
with pieces as (
    select 'action item' as piece, recommendation_id, item_number as number, char_start, char_end
    from main.action_items
    union all
    select 'step', recommendation_id, step_number, char_start, char_end
    from main.recommendation_steps
),

neighbours as (
    select
        pieces.*,
        lead(pieces.char_start) over (
            partition by pieces.piece, pieces.recommendation_id order by pieces.number
        ) as next_char_start
    from pieces
)

select
    neighbours.piece,
    neighbours.recommendation_id,
    neighbours.number,
    neighbours.char_start,
    neighbours.char_end,
    neighbours.next_char_start
from neighbours
where neighbours.char_end <= neighbours.char_start or neighbours.next_char_start < neighbours.char_end
