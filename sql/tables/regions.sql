-- One row a region as i-eval pages print it.
select region_code, label, scope from reference.regions
