-- One row a kind of problem that was met while reading: how often, and on how many pages. The most frequent first.
select
    quality.metric as problem_code,
    quality.severity,
    quality.occurrences,
    quality.pages,
    quality.meaning
from mart.data_quality as quality
where quality.metric_group = 'problems' and quality.occurrences > 0
order by quality.occurrences desc, quality.metric
