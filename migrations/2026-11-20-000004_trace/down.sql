alter table jobs drop column trace;
