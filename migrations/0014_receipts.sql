-- Why: people see on their own message what became of it. A reaction cannot say which version of the delivery it
-- shows, and one that was put there just before a crash must not stay for ever, so both are written down: what may
-- stand there before a request, what stands there after it.
-- The index is for the reply of an executor that links it to no question: it is found by who was asked last.
-- Like all tables of this schema closed to everybody but their owner, and not published.

CREATE TABLE IF NOT EXISTS bridge.receipt (
    project_id text NOT NULL,
    entity_id uuid NOT NULL,
    channel_id bigint NOT NULL,
    message_id bigint NOT NULL,
    marks text NOT NULL DEFAULT '',
    shown text[] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT receipt_pkey PRIMARY KEY (project_id, entity_id, channel_id)
);
ALTER TABLE bridge.receipt ENABLE ROW LEVEL SECURITY;

SELECT bridge.ensure_index('chat_delivery_queue', 'idx_chat_delivery_queue_agent', '(project_id, target_agent_key, picked_up_at)');

-- A turn that runs holds its thread, whatever became of its delivery.
CREATE INDEX IF NOT EXISTS executor_turn_running_idx ON bridge.executor_turn (project_id) WHERE state = 'running';
