-- One row a pair of group and topic as i-eval pages print it.
select theme_code, group_label, topic_label from reference.themes
