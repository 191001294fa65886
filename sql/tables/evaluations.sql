-- One row an evaluation that a current record belongs to. Its title and address are those of the best page:
-- complete before truncated, then newest.
-- What an evaluation is stands at the end of its title (Final cluster evaluation, Évaluation finale, Evaluación
-- agrupada final independiente); a project may well have a Final or a Joint in its own name, so only the five words
-- before the last `evaluation` and what follows it are looked at.
with titled as (
    select
        copies.eval_number,
        records.eval_title,
        records.eval_url,
        lower(strip_accents(regexp_extract(
            records.eval_title,
            '((?:[^\s]+\s+){0,5}[EeÉé]valua[ct]i[oó]n(?:\s+[^\s]+){0,5})\s*$',
            1
        ))) as kind_words
    from staged.current_copies as copies
    inner join staged.records as records on records.page_id = copies.page_id
    where copies.eval_number is not null
    qualify row_number() over (
        partition by copies.eval_number
        order by
            records.eval_title is null,
            copies.is_truncated,
            copies.last_seen_at desc,
            copies.last_source_uri desc,
            copies.page_id
    ) = 1
)

select
    eval_number,
    eval_title as title,
    eval_url as url,
    case
        when regexp_matches(kind_words, '\b(mid-?\s?term|mi-?parcours|medio termino|intermedia|mi-terme)\b')
            then 'midterm'
        when regexp_matches(kind_words, '\b(final|finale)\b') then 'final'
        when regexp_matches(kind_words, '\bex-?\s?post\b') then 'ex-post'
        when regexp_matches(kind_words, '\b(interim|interimaire|provisional)\b') then 'interim'
    end as timing,
    coalesce(regexp_matches(kind_words, '\b(independent|independante?|independiente)\b'), false) as is_independent,
    coalesce(regexp_matches(kind_words, '\b(cluster|clustered|groupee?|agrupada)\b'), false) as is_cluster,
    coalesce(regexp_matches(kind_words, '\b(joint|conjointe?|conjunta)\b'), false) as is_joint,
    coalesce(regexp_matches(kind_words, '\b(thematic|thematique|tematica)\b'), false) as is_thematic
from titled
