-- One row a level of progress.
select progress_code, label, cast(sort_order as bigint) as sort_order from reference.progress_levels
