alter table stages drop column said_at;
alter table attempts drop column said_at;
