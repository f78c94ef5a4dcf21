-- Why: the mirror looks views up by their row. With the project first in the key, a planner without statistics reads
-- all views of the project instead, a cost that grows with the history.

ALTER TABLE bridge.view
    DROP CONSTRAINT IF EXISTS view_pkey,
    ADD CONSTRAINT view_pkey PRIMARY KEY (entity_id, kind, surface, part, project_id);
