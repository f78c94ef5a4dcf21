-- Why: every task is a thread. Which thread, and what Discord shows of it, is written down: its card is a view in
-- bridge.view, but a thread has a name, a tag and can be archived, locked or removed by people. filled_at says that
-- everything that happened before is in it. A task that somebody asked for is shown although it is finished.
-- A forum's tags are known by their ids, so that people may rename them.
-- The indexes are for timelines: old comments have none, and the sweep asks for what happened lately.

CREATE TABLE IF NOT EXISTS bridge.task_thread (
    project_id text NOT NULL,
    task_id uuid NOT NULL,
    thread_id bigint,
    name text,
    tag text,
    archived boolean NOT NULL DEFAULT false,
    locked boolean NOT NULL DEFAULT false,
    filled_at timestamptz,
    asked_at timestamptz,
    removed_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT task_thread_pkey PRIMARY KEY (project_id, task_id)
);
CREATE INDEX IF NOT EXISTS task_thread_thread_idx ON bridge.task_thread (thread_id);
ALTER TABLE bridge.task_thread ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS bridge.forum_tag (
    project_id text NOT NULL,
    forum_id bigint NOT NULL,
    status text NOT NULL,
    tag_id bigint NOT NULL,
    CONSTRAINT forum_tag_pkey PRIMARY KEY (project_id, forum_id, status)
);
ALTER TABLE bridge.forum_tag ENABLE ROW LEVEL SECURITY;

SELECT bridge.ensure_index('task_events', 'idx_task_events_project_time', '(project_id, created_at)');
SELECT bridge.ensure_index('task_comments', 'idx_task_comments_task', '(task_id, created_at)');
SELECT bridge.ensure_index('task_outputs', 'idx_task_outputs_task_time', '(task_id, created_at)');
