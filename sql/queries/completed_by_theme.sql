-- What share of recommendations is completed, by theme?
-- A group of themes has a row of its own above its topics, where each recommendation counts once.
select
    coalesce(by_theme.group_label, by_theme.label) as theme_group,
    by_theme.topic_label as topic,
    by_theme.recommendations,
    by_theme.completed,
    by_theme.unknown_response as unknown_status,
    round(by_theme.completed_share, 3) as completed_share,
    round(by_theme.implemented_share, 3) as implemented_share
from mart.implementation_by_theme as by_theme
order by by_theme.is_total desc, by_theme.group_label nulls last, by_theme.topic_label nulls first
