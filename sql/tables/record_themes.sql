-- One row a theme of a record.
select
    copies.record_kind,
    copies.record_id,
    theme.position as position,
    theme.group_label as group_label,
    theme.topic_label as topic_label,
    themes.theme_code
from (select page_id, unnest(themes) as theme from staged.records) as records
inner join staged.current_copies as copies
    on copies.page_id = records.page_id and copies.record_number = theme.record_number
left join main.themes as themes
    on themes.group_label = theme.group_label and themes.topic_label = theme.topic_label
