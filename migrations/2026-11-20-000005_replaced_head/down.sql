alter table branch_heads drop column replaced_sha;
