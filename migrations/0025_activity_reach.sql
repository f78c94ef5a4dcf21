-- Why: a row can come to a post of #activity in the moment in which a person takes its message away. What that message
-- had shown until then stays away; what it had not shown gets another place. So rows are numbered as they get their
-- places: the version of a post names the last one. Rows without a number were placed, and shown, before.
ALTER TABLE bridge.activity ADD COLUMN IF NOT EXISTS nth bigint;
CREATE SEQUENCE IF NOT EXISTS bridge.activity_nth_seq OWNED BY bridge.activity.nth;
ALTER TABLE bridge.activity ALTER COLUMN nth SET DEFAULT nextval('bridge.activity_nth_seq');
