-- The offsets of a step give its words in the recommendation's title.
-- substr counts Unicode code points, as the offsets do: an emoji or a combining accent is one.
-- severity: error, blocking
with compared as (
    select
        steps.recommendation_id,
        steps.step_number,
        steps.step_text,
        substr(recommendations.title, steps.char_start + 1, steps.char_end - steps.char_start)
            as words_at_offsets
    from main.recommendation_steps as steps
    left join main.recommendations as recommendations
        on recommendations.recommendation_id = steps.recommendation_id
)

select
    compared.recommendation_id,
    compared.step_number,
    compared.step_text,
    compared.words_at_offsets
from compared
where compared.step_text is distinct from compared.words_at_offsets
