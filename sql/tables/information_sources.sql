-- One row a kind of office that reports.
select information_source_code, label from reference.information_sources
