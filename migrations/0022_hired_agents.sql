-- Why: the built-in executor runs agents that it has provisioned itself, also after a restart. Which they are stands
-- where nobody but us can write: a row of `agents` alone must not be able to start a program.
-- bridge.welcome: which server has had its word of welcome. One that was bound before needs none.

CREATE TABLE IF NOT EXISTS bridge.hired_agent (
    project_id text NOT NULL,
    short text NOT NULL,
    preset text NOT NULL,
    workspace_path text NOT NULL,
    hired_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hired_agent_pkey PRIMARY KEY (project_id, short)
);

CREATE TABLE IF NOT EXISTS bridge.welcome (
    project_id text NOT NULL,
    guild_id bigint NOT NULL,
    said_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT welcome_pkey PRIMARY KEY (project_id, guild_id)
);
INSERT INTO bridge.welcome (project_id, guild_id)
SELECT DISTINCT project_id, guild_id FROM bridge.channel
ON CONFLICT DO NOTHING;

ALTER TABLE bridge.hired_agent ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.welcome ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE bridge.hired_agent, bridge.welcome FROM PUBLIC;

DO $$
DECLARE
    client text;
BEGIN
    FOREACH client IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(client) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON TABLE bridge.hired_agent, bridge.welcome FROM %I', client);
        END IF;
    END LOOP;
END
$$;
