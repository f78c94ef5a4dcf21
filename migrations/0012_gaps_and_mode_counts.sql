-- Why: two things that people have to be told once and not again after every restart. A table whose changes nobody
-- announces (a realtime gap) is reported once an hour, so somebody has to remember when that was. And a change of
-- the mode says how much was queued meanwhile and what became of it: numbers that grow while the post stands.
-- Like all tables of this schema closed to everybody but their owner, and not published.

CREATE TABLE IF NOT EXISTS bridge.gap (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT gap_pkey PRIMARY KEY,
    project_id text NOT NULL,
    table_name text NOT NULL,
    cause text NOT NULL CONSTRAINT gap_cause_check CHECK (cause IN ('unpublished', 'missed')),
    found bigint NOT NULL DEFAULT 0,
    reported_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX IF NOT EXISTS gap_table_idx ON bridge.gap (project_id, table_name, reported_at DESC);
ALTER TABLE bridge.gap ENABLE ROW LEVEL SECURITY;

ALTER TABLE bridge.mode_log ADD COLUMN IF NOT EXISTS down_since timestamptz;
ALTER TABLE bridge.mode_log ADD COLUMN IF NOT EXISTS asked_since timestamptz;
ALTER TABLE bridge.mode_log ADD COLUMN IF NOT EXISTS queued bigint NOT NULL DEFAULT 0;
ALTER TABLE bridge.mode_log ADD COLUMN IF NOT EXISTS delivered bigint NOT NULL DEFAULT 0;
ALTER TABLE bridge.mode_log ADD COLUMN IF NOT EXISTS failed bigint NOT NULL DEFAULT 0;
