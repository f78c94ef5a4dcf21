-- Why: the Team Room, the direct messages and the queue that carries them to agents.
-- message_type, metadata and status carry proposals in chat. ClawdOS never had them, but its Control API offers
-- the first two and drops them where the columns are missing. They take NULL and have no CHECK, so that writers
-- which do not know them, or write NULL, or a type of their own, keep working.
-- One row per message and agent is what makes a delivery happen once: the UNIQUE is the queue's mutex.

DO $$
BEGIN
    IF to_regclass('public.project_chat_threads') IS NULL THEN
        CREATE TABLE public.project_chat_threads (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            title text DEFAULT 'General',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('project_chat_threads', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.project_chat_messages') IS NULL THEN
        CREATE TABLE public.project_chat_messages (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            thread_id uuid,
            author text NOT NULL,
            target_agent_key text,
            message text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('project_chat_messages', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.chat_delivery_queue') IS NULL THEN
        CREATE TABLE public.chat_delivery_queue (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            message_id uuid NOT NULL,
            target_agent_key text NOT NULL,
            status text NOT NULL DEFAULT 'queued',
            picked_up_at timestamptz,
            completed_at timestamptz,
            result jsonb,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('chat_delivery_queue', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;
END
$$;

SELECT bridge.ensure_columns('project_chat_messages',
    'message_type text DEFAULT ''text''', 'metadata jsonb', 'status text');

SELECT bridge.ensure_unique('chat_delivery_queue', 'uq_chat_delivery_message_agent', '{message_id, target_agent_key}');

SELECT bridge.ensure_foreign_key('project_chat_messages', 'thread_id', 'project_chat_threads', 'CASCADE');
SELECT bridge.ensure_foreign_key('chat_delivery_queue', 'message_id', 'project_chat_messages', 'NO ACTION');

SELECT bridge.ensure_index('project_chat_threads', 'project_chat_threads_project_idx', '(project_id)');
SELECT bridge.ensure_index('project_chat_messages', 'project_chat_messages_project_time_idx', '(project_id, created_at DESC)');
SELECT bridge.ensure_index('project_chat_messages', 'project_chat_messages_thread_time_idx', '(thread_id, created_at DESC)');
SELECT bridge.ensure_index('chat_delivery_queue', 'idx_chat_delivery_queue_status', '(project_id, status, created_at)');
