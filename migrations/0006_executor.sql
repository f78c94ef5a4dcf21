-- Why: what the executor shows (schedules, skills, channels) and what it is asked to do. The *_requests tables
-- are queues: anybody may file a request, the executor's worker moves it from queued to running to done or error.

DO $$
BEGIN
    IF to_regclass('public.cron_mirror') IS NULL THEN
        CREATE TABLE public.cron_mirror (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            job_id text NOT NULL,
            name text NOT NULL,
            schedule_kind text,
            schedule_expr text,
            tz text,
            enabled boolean NOT NULL DEFAULT true,
            next_run_at timestamptz,
            last_run_at timestamptz,
            last_status text,
            last_duration_ms integer,
            instructions text,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('cron_mirror', 'public', '{ALL}');
    END IF;

    IF to_regclass('public.cron_create_requests') IS NULL THEN
        CREATE TABLE public.cron_create_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            name text NOT NULL,
            schedule_kind text,
            schedule_expr text NOT NULL,
            tz text,
            instructions text,
            requested_at timestamptz NOT NULL DEFAULT now(),
            requested_by text,
            status text NOT NULL DEFAULT 'queued',
            result jsonb,
            picked_up_at timestamptz,
            completed_at timestamptz
        );
        PERFORM bridge.open_table('cron_create_requests', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.cron_delete_requests') IS NULL THEN
        CREATE TABLE public.cron_delete_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            job_id text NOT NULL,
            requested_at timestamptz NOT NULL DEFAULT now(),
            requested_by text,
            status text NOT NULL DEFAULT 'queued',
            result jsonb,
            picked_up_at timestamptz,
            completed_at timestamptz
        );
        PERFORM bridge.open_table('cron_delete_requests', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.cron_job_patch_requests') IS NULL THEN
        CREATE TABLE public.cron_job_patch_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            job_id text NOT NULL,
            patch_json jsonb NOT NULL,
            requested_at timestamptz NOT NULL DEFAULT now(),
            requested_by text,
            status text NOT NULL DEFAULT 'queued',
            result jsonb,
            picked_up_at timestamptz,
            completed_at timestamptz
        );
        PERFORM bridge.open_table('cron_job_patch_requests', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.cron_run_requests') IS NULL THEN
        CREATE TABLE public.cron_run_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            job_id text NOT NULL,
            requested_by text,
            requested_at timestamptz NOT NULL DEFAULT now(),
            status text NOT NULL DEFAULT 'queued',
            picked_up_at timestamptz,
            completed_at timestamptz,
            result jsonb
        );
        PERFORM bridge.open_table('cron_run_requests', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.agent_provision_requests') IS NULL THEN
        CREATE TABLE public.agent_provision_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            agent_key text NOT NULL,
            agent_id_short text NOT NULL,
            display_name text NOT NULL,
            emoji text,
            role_short text,
            status text NOT NULL DEFAULT 'queued',
            result jsonb,
            requested_at timestamptz NOT NULL DEFAULT now(),
            picked_up_at timestamptz,
            completed_at timestamptz
        );
        PERFORM bridge.open_table('agent_provision_requests', 'public', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.skills_mirror') IS NULL THEN
        CREATE TABLE public.skills_mirror (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            skill_id text NOT NULL,
            name text NOT NULL,
            description text NOT NULL DEFAULT '',
            version text NOT NULL DEFAULT '',
            installed boolean NOT NULL DEFAULT false,
            last_updated text NOT NULL DEFAULT '',
            synced_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('skills_mirror', 'public', '{ALL}');
    END IF;

    IF to_regclass('public.skill_requests') IS NULL THEN
        CREATE TABLE public.skill_requests (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            identifier text NOT NULL,
            status text NOT NULL DEFAULT 'pending',
            result_message text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('skill_requests', 'authenticated', '{SELECT, INSERT, UPDATE}');
    END IF;

    IF to_regclass('public.channels_mirror') IS NULL THEN
        CREATE TABLE public.channels_mirror (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id text NOT NULL,
            channel_id text NOT NULL,
            name text NOT NULL,
            type text NOT NULL DEFAULT '',
            status text NOT NULL DEFAULT 'disconnected',
            last_activity text NOT NULL DEFAULT '',
            synced_at timestamptz NOT NULL DEFAULT now()
        );
        PERFORM bridge.open_table('channels_mirror', 'public', '{ALL}');
    END IF;
END
$$;

SELECT bridge.ensure_columns('cron_mirror',
    'target_agent_key text', 'job_intent text', 'context_policy text DEFAULT ''default''', 'ui_label text');
SELECT bridge.ensure_columns('cron_create_requests',
    'target_agent_key text', 'job_intent text', 'context_policy text DEFAULT ''default''');
SELECT bridge.ensure_columns('skills_mirror', 'extra_json jsonb DEFAULT ''{}''');

SELECT bridge.ensure_unique('cron_mirror', 'cron_mirror_project_job_idx', '{project_id, job_id}', false);
SELECT bridge.ensure_unique('skills_mirror', 'skills_mirror_project_id_skill_id_key', '{project_id, skill_id}');
SELECT bridge.ensure_unique('channels_mirror', 'channels_mirror_project_id_channel_id_key', '{project_id, channel_id}');

SELECT bridge.ensure_index('cron_mirror', 'cron_mirror_project_idx', '(project_id)');
SELECT bridge.ensure_index('cron_mirror', 'idx_cron_mirror_agent', '(project_id, target_agent_key)');
SELECT bridge.ensure_index('cron_mirror', 'idx_cron_mirror_intent', '(project_id, job_intent)');
SELECT bridge.ensure_index('cron_create_requests', 'cron_create_requests_project_time_idx', '(project_id, requested_at DESC)');
SELECT bridge.ensure_index('cron_delete_requests', 'cron_delete_requests_project_time_idx', '(project_id, requested_at DESC)');
SELECT bridge.ensure_index('cron_job_patch_requests', 'cron_job_patch_requests_project_time_idx', '(project_id, requested_at DESC)');
SELECT bridge.ensure_index('cron_run_requests', 'cron_run_requests_project_time_idx', '(project_id, requested_at DESC)');
SELECT bridge.ensure_index('cron_run_requests', 'cron_run_requests_status_idx', '(status, requested_at)');

SELECT bridge.ensure_updated_at('skill_requests', 'update_skill_requests_updated_at', 'set_updated_at');
