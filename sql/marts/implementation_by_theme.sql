-- One row a theme (group and topic), one a whole group of themes, and one all recommendations.
-- A recommendation with two topics of a group counts once in the row of the group, which has no topic.
select
    implementation.label,
    implementation.is_total,
    implementation.outer_label as group_label,
    implementation.inner_label as topic_label,
    implementation.code as theme_code,
    implementation.recommendations,
    implementation.completed,
    implementation.partially_completed,
    implementation.action_not_yet_taken,
    implementation.no_action_planned,
    implementation.rejected,
    implementation.unknown_response,
    implementation.achieved,
    implementation.partially_achieved,
    implementation.no_implementation,
    implementation.unknown_progress,
    implementation.completed_share,
    implementation.implemented_share
from mart.implementation as implementation
where
    implementation.dimension = 'theme'
    or (implementation.dimension = 'theme group' and implementation.outer_label is not null)
