-- Why: channels that a project has left are nobody's: what is written or asked there is about no other project of the
-- server, and no other project takes them for its own.

CREATE TABLE IF NOT EXISTS bridge.former_channel (
    channel_id bigint NOT NULL,
    project_id text NOT NULL,
    guild_id bigint NOT NULL,
    left_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT former_channel_pkey PRIMARY KEY (channel_id)
);
ALTER TABLE bridge.former_channel ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE bridge.former_channel FROM PUBLIC;

DO $$
DECLARE
    client text;
BEGIN
    FOREACH client IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(client) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON TABLE bridge.former_channel FROM %I', client);
        END IF;
    END LOOP;
END
$$;
