-- Why: projects, their tasks and the tasks' timeline, in the shape of the public ClawdOS repository, so that its
-- dashboard and executor work on a database that the bridge made. A table that exists is completed, not changed.
-- The policies are ClawdOS's own: signed-in users for the board, everybody for the timeline, and no UPDATE or
-- DELETE on task_events, which is append-only.

DO $$
BEGIN
    IF to_regclass('public.projects') IS NULL THEN
        CREATE TABLE public.projects (
            id text PRIMARY KEY,
            name text NOT NULL,
            workspace_path text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('projects', 'authenticated', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.tasks') IS NULL THEN
        CREATE TABLE public.tasks (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            title text NOT NULL,
            description text,
            status text NOT NULL DEFAULT 'inbox' CONSTRAINT tasks_status_check CHECK (
                status IN ('inbox', 'assigned', 'in_progress', 'review', 'done', 'blocked', 'stopped')),
            assignee_agent_key text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('tasks', 'authenticated', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.task_comments') IS NULL THEN
        CREATE TABLE public.task_comments (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            task_id uuid NOT NULL,
            author_agent_key text,
            content text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('task_comments', 'authenticated', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.task_outputs') IS NULL THEN
        CREATE TABLE public.task_outputs (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            task_id uuid NOT NULL,
            output_type text NOT NULL CONSTRAINT task_outputs_output_type_check CHECK (
                output_type IN ('summary', 'file', 'link', 'message', 'log_summary')),
            title text,
            content_text text,
            storage_path text,
            link_url text,
            mime_type text,
            created_by text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('task_outputs', 'public', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.task_events') IS NULL THEN
        CREATE TABLE public.task_events (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            task_id uuid NOT NULL,
            event_type text NOT NULL,
            author text NOT NULL,
            content text,
            metadata jsonb,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('task_events', 'public', '{SELECT, INSERT}');
    END IF;

    IF to_regclass('public.activities') IS NULL THEN
        CREATE TABLE public.activities (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            type text NOT NULL,
            message text NOT NULL,
            actor_agent_key text,
            task_id uuid,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('activities', 'authenticated', '{SELECT, INSERT}');
    END IF;
END
$$;

SELECT bridge.ensure_columns('projects', 'tag text');
SELECT bridge.ensure_columns('tasks',
    'is_proposed boolean DEFAULT false',
    'rejected_at timestamptz', 'rejected_reason text',
    'blocked_reason text', 'blocked_at timestamptz',
    'context_snapshot jsonb',
    'deleted_at timestamptz', 'deleted_by text');
SELECT bridge.ensure_columns('activities', 'summary text');

SELECT bridge.ensure_foreign_key('tasks', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('task_comments', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('task_comments', 'task_id', 'tasks', 'CASCADE');
SELECT bridge.ensure_foreign_key('task_outputs', 'project_id', 'projects', 'NO ACTION');
SELECT bridge.ensure_foreign_key('task_outputs', 'task_id', 'tasks', 'CASCADE');
SELECT bridge.ensure_foreign_key('task_events', 'task_id', 'tasks', 'CASCADE');
SELECT bridge.ensure_foreign_key('activities', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('activities', 'task_id', 'tasks', 'SET NULL');

SELECT bridge.ensure_index('tasks', 'tasks_proposed_idx', '(project_id, is_proposed) WHERE is_proposed = true');
SELECT bridge.ensure_index('tasks', 'tasks_rejected_idx', '(project_id, rejected_at) WHERE rejected_at IS NOT NULL');
SELECT bridge.ensure_index('task_outputs', 'idx_task_outputs_task', '(task_id)');
SELECT bridge.ensure_index('task_events', 'idx_task_events_event_type', '(event_type)');
SELECT bridge.ensure_index('task_events', 'idx_task_events_project_id', '(project_id)');
SELECT bridge.ensure_index('task_events', 'idx_task_events_task_id', '(task_id, created_at)');

SELECT bridge.ensure_updated_at('tasks', 'update_tasks_updated_at', 'update_updated_at_column');
