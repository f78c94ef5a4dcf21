-- Why: what the bridge must remember to show every row exactly once: the ledger of Discord messages, the channels it
-- made, the server a project is linked to, the story of its modes and the executor's turns. Kept apart in a schema
-- of its own, out of the publication (the bridge would hear itself) and closed to every role but the owner's:
-- row security is on and has no policies.
-- Discord ids are snowflakes, which stay below 2^63, hence bigint.

CREATE TABLE IF NOT EXISTS bridge.view (
    project_id text NOT NULL,
    kind text NOT NULL,
    entity_id text NOT NULL,
    surface text NOT NULL,
    part smallint NOT NULL,
    channel_id bigint NOT NULL,
    message_id bigint,
    author_kind text CONSTRAINT view_author_kind_check CHECK (author_kind IN ('bot', 'webhook', 'person')),
    hash bytea,
    row_xmin text,
    state text NOT NULL CONSTRAINT view_state_check CHECK (state IN ('sending', 'sent', 'unknown', 'failed')),
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT view_pkey PRIMARY KEY (project_id, kind, entity_id, surface, part)
);
CREATE UNIQUE INDEX IF NOT EXISTS view_message_idx ON bridge.view (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS view_unsettled_idx ON bridge.view (project_id, state) WHERE state <> 'sent';
CREATE INDEX IF NOT EXISTS view_channel_idx ON bridge.view (channel_id);

CREATE TABLE IF NOT EXISTS bridge.channel (
    project_id text NOT NULL,
    surface text NOT NULL,
    guild_id bigint,
    channel_id bigint NOT NULL,
    webhook_id bigint,
    webhook_token_sealed bytea,
    last_seen_message_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT channel_pkey PRIMARY KEY (project_id, surface),
    CONSTRAINT channel_channel_id_key UNIQUE (channel_id)
);

CREATE TABLE IF NOT EXISTS bridge.link (
    project_id text NOT NULL CONSTRAINT link_pkey PRIMARY KEY,
    guild_id bigint,
    application_id bigint,
    mirror_since timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS bridge.mode_log (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mode_log_pkey PRIMARY KEY,
    project_id text NOT NULL,
    mode text NOT NULL,
    reason text,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS mode_log_project_idx ON bridge.mode_log (project_id, id DESC);

-- The key makes delivering a message to an agent idempotent: a second request for the same turn finds the first.
CREATE TABLE IF NOT EXISTS bridge.executor_turn (
    message_id uuid NOT NULL,
    target_agent_key text NOT NULL,
    project_id text NOT NULL,
    state text NOT NULL CONSTRAINT executor_turn_state_check CHECK (state IN ('running', 'done', 'failed')),
    reply_message_id uuid,
    error text,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT executor_turn_pkey PRIMARY KEY (message_id, target_agent_key)
);

ALTER TABLE bridge.view ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.channel ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.link ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.mode_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.executor_turn ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON SCHEMA bridge FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA bridge FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bridge FROM PUBLIC;

DO $$
DECLARE
    client text;
BEGIN
    FOREACH client IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(client) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON SCHEMA bridge FROM %I', client);
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA bridge FROM %I', client);
            EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bridge FROM %I', client);
        END IF;
    END LOOP;
END
$$;
