-- Why: what an operator decided is the permission to act, and stands where nobody but us can write. The columns that
-- dashboards read (a message's metadata, a task's events) only repeat it: whoever may write those must not be able to
-- approve. The payload is frozen here: what is carried out is what was on the card.
-- States: rejected and accepted end there; approved waits for an executor that knows the action; running becomes
-- executed or failed in the end; unknown was begun by an executor that is gone, and waits for an operator.

CREATE TABLE IF NOT EXISTS bridge.decision (
    entity_id uuid NOT NULL,
    source text NOT NULL CONSTRAINT decision_source_check CHECK (source IN ('message', 'task_event', 'task')),
    project_id text NOT NULL,
    verdict text NOT NULL CONSTRAINT decision_verdict_check CHECK (verdict IN ('approved', 'rejected')),
    state text NOT NULL CONSTRAINT decision_state_check CHECK (
        state IN ('rejected', 'accepted', 'approved', 'running', 'executed', 'failed', 'unknown')),
    action_type text NOT NULL,
    payload jsonb NOT NULL,
    payload_hash bytea NOT NULL,
    proposer text NOT NULL,
    thread_id uuid,
    task_id uuid,
    decided_by bigint NOT NULL,
    decided_by_name text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    reason text,
    claimed_at timestamptz,
    finished_at timestamptz,
    result text,
    CONSTRAINT decision_pkey PRIMARY KEY (entity_id, source)
);
CREATE INDEX IF NOT EXISTS decision_work_idx ON bridge.decision (project_id, decided_at)
    WHERE state IN ('approved', 'running');

ALTER TABLE bridge.decision ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE bridge.decision FROM PUBLIC;

-- Why: open proposals are few among many messages and events.
CREATE INDEX IF NOT EXISTS project_chat_messages_proposal_idx ON public.project_chat_messages (project_id, created_at)
    WHERE message_type IN ('task_proposal', 'action_proposal');
CREATE INDEX IF NOT EXISTS task_events_approval_idx ON public.task_events (project_id, created_at)
    WHERE event_type = 'approval_request';
CREATE INDEX IF NOT EXISTS task_events_resolution_idx ON public.task_events ((metadata ->> 'original_event_id'))
    WHERE event_type = 'approval_resolved';

DO $$
DECLARE
    client text;
BEGIN
    FOREACH client IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(client) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON TABLE bridge.decision FROM %I', client);
        END IF;
    END LOOP;
END
$$;
