-- By the fixer's clock, which is one per attempt and fence: messages overtake each other on their way to the planner.
alter table attempts add column said_at timestamptz;
alter table stages add column said_at timestamptz;
