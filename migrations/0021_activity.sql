-- Why: #activity shows rows of `activities` in posts, and a burst of them is one post. Which row stands in which post
-- has to be remembered: what was once put together stays together, whatever comes later, and a kind that somebody
-- mutes is left out from then on and not looked at again. The banner of the mission remembers which topic it has set,
-- so that one that a person writes stays until the mission changes, and what Discord did not let it do.
-- Like all tables of this schema closed to everybody but their owner, and not published.

-- `type` is null where a flood has put several kinds together.
CREATE TABLE IF NOT EXISTS bridge.activity_post (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT activity_post_pkey PRIMARY KEY,
    project_id text NOT NULL,
    type text,
    actor text,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    lines integer NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS activity_post_project_idx ON bridge.activity_post (project_id, id DESC);
ALTER TABLE bridge.activity_post ENABLE ROW LEVEL SECURITY;

-- `post_id` is null for a row that is shown nowhere, because its type was muted when it came.
CREATE TABLE IF NOT EXISTS bridge.activity (
    activity_id uuid CONSTRAINT activity_pkey PRIMARY KEY,
    project_id text NOT NULL,
    post_id bigint CONSTRAINT activity_post_id_fkey REFERENCES bridge.activity_post (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS activity_post_idx ON bridge.activity (post_id);
ALTER TABLE bridge.activity ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS bridge.activity_mute (
    project_id text NOT NULL,
    type text NOT NULL,
    muted_by text NOT NULL,
    muted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT activity_mute_pkey PRIMARY KEY (project_id, type)
);
ALTER TABLE bridge.activity_mute ENABLE ROW LEVEL SECURITY;

CREATE TABLE IF NOT EXISTS bridge.banner (
    project_id text CONSTRAINT banner_pkey PRIMARY KEY,
    channel_id bigint,
    topic text,
    problem text,
    updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE bridge.banner ENABLE ROW LEVEL SECURITY;

SELECT bridge.ensure_index('activities', 'idx_activities_project_time', '(project_id, created_at)');
-- The last heartbeat of an agent, however long ago.
SELECT bridge.ensure_index('activities', 'idx_activities_heartbeats',
    '(project_id, actor_agent_key, created_at) WHERE type IN (''heartbeat'', ''heartbeat_finding'')');
