-- Why: who works on a project, how they are doing, and what they are told (brain_docs holds the mission too),
-- in ClawdOS's shape. The mention tables have no policy: only the owner and service_role may touch them.

DO $$
BEGIN
    IF to_regclass('public.agents') IS NULL THEN
        CREATE TABLE public.agents (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            agent_key text NOT NULL,
            name text NOT NULL,
            role text,
            emoji text,
            color text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('agents', 'authenticated', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.agent_status') IS NULL THEN
        CREATE TABLE public.agent_status (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            agent_key text NOT NULL,
            state text NOT NULL DEFAULT 'idle' CONSTRAINT agent_status_state_check CHECK (
                state IN ('idle', 'working', 'blocked', 'sleeping')),
            current_task_id uuid,
            last_heartbeat_at timestamptz,
            last_activity_at timestamptz NOT NULL DEFAULT now(),
            note text
        );
        PERFORM bridge.open_table('agent_status', 'authenticated', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.brain_docs') IS NULL THEN
        CREATE TABLE public.brain_docs (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            agent_key text NOT NULL,
            doc_type text NOT NULL CONSTRAINT brain_docs_doc_type_check CHECK (
                doc_type IN ('soul', 'agents', 'user', 'memory_long', 'memory_today', 'mission',
                    'project_overview', 'capabilities', 'project_mission', 'project_rules')),
            content text NOT NULL DEFAULT '',
            updated_by text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('brain_docs', 'authenticated', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.project_documents') IS NULL THEN
        CREATE TABLE public.project_documents (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            title text NOT NULL,
            source_type text NOT NULL CONSTRAINT project_documents_source_type_check CHECK (
                source_type IN ('upload', 'note')),
            storage_path text,
            content_text text,
            mime_type text,
            size_bytes integer,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('project_documents', 'public', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.project_settings') IS NULL THEN
        CREATE TABLE public.project_settings (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            key text NOT NULL,
            value text NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('project_settings', 'public', '{SELECT, INSERT, UPDATE, DELETE}');
    END IF;

    IF to_regclass('public.mentions') IS NULL THEN
        CREATE TABLE public.mentions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            agent_key text NOT NULL,
            source_type text NOT NULL,
            source_id uuid NOT NULL,
            task_id uuid,
            thread_id uuid,
            author text NOT NULL,
            excerpt text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('mentions', 'public', '{}');
    END IF;

    IF to_regclass('public.agent_mention_cursor') IS NULL THEN
        CREATE TABLE public.agent_mention_cursor (
            project_id text NOT NULL,
            agent_key text NOT NULL,
            last_seen_at timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (project_id, agent_key)
        );
        PERFORM bridge.open_table('agent_mention_cursor', 'public', '{}');
    END IF;
END
$$;

SELECT bridge.ensure_columns('agents',
    'agent_id_short text', 'workspace_path text', 'provisioned boolean NOT NULL DEFAULT false',
    'purpose_text text', 'description text');
-- Older databases kept one set of documents per project. The column came later, so it can be empty there.
SELECT bridge.ensure_columns('brain_docs', 'agent_key text');
SELECT bridge.ensure_columns('project_documents',
    'agent_key text', 'pinned boolean DEFAULT false', 'doc_type text DEFAULT ''general''',
    'sensitivity text DEFAULT ''normal''', 'doc_notes jsonb');

SELECT bridge.ensure_unique('agents', 'agents_project_id_agent_key_key', '{project_id, agent_key}');
SELECT bridge.ensure_unique('agent_status', 'agent_status_project_id_agent_key_key', '{project_id, agent_key}');
SELECT bridge.ensure_unique('brain_docs', 'brain_docs_project_id_agent_key_doc_type_key', '{project_id, agent_key, doc_type}');
SELECT bridge.ensure_unique('project_settings', 'project_settings_project_key_unique', '{project_id, key}');
SELECT bridge.ensure_unique('mentions', 'mentions_dedup', '{project_id, agent_key, source_type, source_id}', false);

SELECT bridge.ensure_foreign_key('agents', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('agent_status', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('agent_status', 'current_task_id', 'tasks', 'SET NULL');
SELECT bridge.ensure_foreign_key('brain_docs', 'project_id', 'projects', 'CASCADE');
SELECT bridge.ensure_foreign_key('project_documents', 'project_id', 'projects', 'CASCADE');

SELECT bridge.ensure_index('project_documents', 'idx_project_docs_agent', '(project_id, agent_key)');
SELECT bridge.ensure_index('project_documents', 'idx_project_docs_pinned', '(project_id, pinned) WHERE pinned = true');
SELECT bridge.ensure_index('mentions', 'mentions_agent_lookup', '(project_id, agent_key, created_at)');

SELECT bridge.ensure_updated_at('brain_docs', 'update_brain_docs_updated_at', 'update_updated_at_column');
SELECT bridge.ensure_updated_at('project_documents', 'update_project_documents_updated_at', 'update_updated_at_column');
SELECT bridge.ensure_updated_at('project_settings', 'update_project_settings_updated_at', 'set_updated_at');
