-- Why: the built-in executor runs scheduled jobs. cron_mirror shows them to everybody and anybody may write it, so it
-- cannot be what decides: this table is, and the mirror is kept true from it. A run is claimed here, by the one row
-- of its job, so that two executors never run one job at the same time. Like all tables of this schema closed to
-- everybody but their owner, and not published.

CREATE TABLE IF NOT EXISTS bridge.job (
    id uuid CONSTRAINT job_pkey PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id text NOT NULL,
    job_id text NOT NULL,
    name text NOT NULL,
    schedule_kind text,
    schedule_expr text NOT NULL,
    tz text,
    instructions text NOT NULL DEFAULT '',
    target_agent_key text,
    job_intent text,
    context_policy text,
    enabled boolean NOT NULL DEFAULT true,
    next_run_at timestamptz,
    last_run_at timestamptz,
    last_status text,
    last_duration_ms integer,
    run_id uuid,
    run_request uuid,
    run_began_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_project_job_key UNIQUE (project_id, job_id)
);
ALTER TABLE bridge.job ENABLE ROW LEVEL SECURITY;
