-- The offsets of an action item give its words in the action plan.
-- severity: error, blocking
with compared as (
    select
        items.recommendation_id,
        items.item_number,
        items.item_text,
        substr(recommendations.action_plan, items.char_start + 1, items.char_end - items.char_start)
            as words_at_offsets
    from main.action_items as items
    left join main.recommendations as recommendations
        on recommendations.recommendation_id = items.recommendation_id
)

select
    compared.recommendation_id,
    compared.item_number,
    compared.item_text,
    compared.words_at_offsets
from compared
where compared.item_text is distinct from compared.words_at_offsets
