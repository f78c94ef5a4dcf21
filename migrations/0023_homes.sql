-- Why: one process shows several projects, each in a server of its own or several in one. Which project is shown
-- where, and who was chosen as an operator, stands where nobody but us can write: whoever can write there decides
-- who may let agents act.
-- bridge.home: the one server that shows a project. bridge.operator: accounts and roles that were chosen with /setup,
-- beside those of the configuration.

CREATE TABLE IF NOT EXISTS bridge.home (
    project_id text NOT NULL,
    guild_id bigint NOT NULL,
    chosen_by bigint,
    chosen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT home_pkey PRIMARY KEY (project_id)
);

CREATE TABLE IF NOT EXISTS bridge.operator (
    project_id text NOT NULL,
    kind text NOT NULL,
    discord_id bigint NOT NULL,
    chosen_by bigint,
    chosen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT operator_pkey PRIMARY KEY (project_id, kind, discord_id),
    CONSTRAINT operator_kind_check CHECK (kind IN ('user', 'role'))
);

ALTER TABLE bridge.home ENABLE ROW LEVEL SECURITY;
ALTER TABLE bridge.operator ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON TABLE bridge.home, bridge.operator FROM PUBLIC;

DO $$
DECLARE
    client text;
BEGIN
    FOREACH client IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF to_regrole(client) IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON TABLE bridge.home, bridge.operator FROM %I', client);
        END IF;
    END LOOP;
END
$$;
