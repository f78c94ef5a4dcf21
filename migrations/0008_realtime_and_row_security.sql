-- Why: a table that is not in the publication is silence, not an error. ClawdOS lost most of its live updates that
-- way: one failed file left three tables published of thirteen that were subscribed to. So every table that the
-- bridge or the dashboard listens to is listed here, one statement each: one that cannot be added (it belongs to
-- somebody else, it has no primary key) costs only itself. A publication FOR ALL TABLES has them all already.
--
-- Row security of tables that existed is their owner's decision, but for the three that the bridge depends on:
-- the timeline is append-only for anon, chat messages can be updated (a proposal's state lives in one), and the
-- queue can be read, filled and moved on by any client. Where an owner has closed one of them to anon by policies of
-- their own, opening it again would let strangers talk to agents: it stays closed, and the bridge, which is no
-- anonymous client, does not mind.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'supabase_realtime') THEN
        PERFORM bridge.attempt('publication supabase_realtime', 'CREATE PUBLICATION supabase_realtime');
    END IF;
END
$$;

SELECT bridge.ensure_published('activities');
SELECT bridge.ensure_published('agents');
SELECT bridge.ensure_published('agent_status');
SELECT bridge.ensure_published('tasks');
SELECT bridge.ensure_published('task_comments');
SELECT bridge.ensure_published('task_outputs');
SELECT bridge.ensure_published('task_events');
SELECT bridge.ensure_published('project_chat_messages');
SELECT bridge.ensure_published('project_chat_threads');
SELECT bridge.ensure_published('chat_delivery_queue');
SELECT bridge.ensure_published('cron_mirror');
SELECT bridge.ensure_published('cron_run_requests');
SELECT bridge.ensure_published('cron_job_patch_requests');
SELECT bridge.ensure_published('cron_create_requests');
SELECT bridge.ensure_published('cron_delete_requests');
SELECT bridge.ensure_published('agent_provision_requests');
SELECT bridge.ensure_published('skills_mirror');
SELECT bridge.ensure_published('project_settings');
SELECT bridge.ensure_published('brain_docs');
SELECT bridge.ensure_published('channels_mirror');

DO $$
DECLARE
    target record;
    command text;
BEGIN
    FOR target IN
        SELECT wanted.name, wanted.commands, relrowsecurity,
            EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
                AND NOT EXISTS (
                    SELECT FROM pg_policy
                    WHERE polrelid = pg_class.oid AND polroles && ARRAY[0::oid, to_regrole('anon')::oid]
                ) AS closed_to_anon
        FROM (VALUES
            ('task_events', '{SELECT, INSERT}'::text[]),
            ('project_chat_messages', '{SELECT, INSERT, UPDATE}'),
            ('chat_delivery_queue', '{SELECT, INSERT, UPDATE}')
        ) AS wanted (name, commands)
        JOIN pg_class ON pg_class.oid = format('public.%I', wanted.name)::regclass
    LOOP
        IF target.closed_to_anon THEN
            RAISE NOTICE 'left out: policies for anon on % (its owner has closed it to anon)', target.name;
            CONTINUE;
        END IF;
        FOREACH command IN ARRAY target.commands LOOP
            PERFORM bridge.ensure_policy(target.name, 'public', command);
        END LOOP;
        IF NOT target.relrowsecurity THEN
            PERFORM bridge.attempt(
                format('row security on %s', target.name),
                format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', target.name));
        END IF;
    END LOOP;
END
$$;
