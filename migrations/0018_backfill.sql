-- Why: `clawdos-bridge backfill` walks over the old comments and outputs by time, a batch at a time. Without these each
-- batch reads and sorts a whole table.

SELECT bridge.ensure_index('task_comments', 'idx_task_comments_project_time', '(project_id, created_at, id)');
SELECT bridge.ensure_index('task_outputs', 'idx_task_outputs_project_time', '(project_id, created_at, id)');
