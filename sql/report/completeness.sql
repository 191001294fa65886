-- One row a measure of how much was understood: what is known, and of the whole that the meaning names its share.
select
    quality.metric,
    quality.meaning,
    quality.occurrences,
    quality.share
from mart.data_quality as quality
where
    quality.metric_group in ('lines', 'labels and texts')
    -- These are facts about the ILO's work and have figures of their own.
    and quality.metric not in (
        'lines in fields', 'lines of layout', 'statuses in conflict', 'action items of countries'
    )
order by quality.metric <> 'lines accounted for', quality.share, quality.metric
