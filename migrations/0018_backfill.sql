-- Why: `clawdos-bridge backfill` walks the old comments and outputs by time, a batch at a time, and asks of each
-- whether an event carries it already. Without these each batch reads a whole table. Events that carry nothing are not
-- in the indexes.

SELECT bridge.ensure_index('task_comments', 'idx_task_comments_project_time', '(project_id, created_at, id)');
SELECT bridge.ensure_index('task_outputs', 'idx_task_outputs_project_time', '(project_id, created_at, id)');
SELECT bridge.ensure_index('task_events', 'task_events_legacy_comment_idx',
    '((metadata ->> ''legacy_comment_id'')) WHERE (metadata ->> ''legacy_comment_id'') IS NOT NULL');
SELECT bridge.ensure_index('task_events', 'task_events_legacy_output_idx',
    '((metadata ->> ''legacy_output_id'')) WHERE (metadata ->> ''legacy_output_id'') IS NOT NULL');
