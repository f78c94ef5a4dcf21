//! A project as large as they come.

use super::world::World;

/// Tasks that are open in it; the others of the 5,000 were finished long ago.
pub const OPEN: i64 = 300;

/// The ids of the tasks count upwards. The first 300 are open, in every open status, with two events each, and every
/// sixth of them with an old comment; all others were finished half a year ago and have what is left.
const ROWS: &str = "
    INSERT INTO tasks (id, project_id, title, description, status, assignee_agent_key, created_at, updated_at)
    SELECT ('70000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'front-office', 'Task ' || n,
           CASE WHEN n % 3 > 0 THEN 'What is to be done in task ' || n END,
           CASE WHEN n > 300 THEN 'done'
                ELSE ('{inbox,assigned,in_progress,review,blocked}'::text[])[1 + n % 5] END,
           CASE WHEN n % 4 > 0 THEN 'agent:ricky:main' END,
           now() - interval '200 days' + n * interval '1 s',
           now() - CASE WHEN n > 300 THEN interval '180 days' ELSE interval '2 days' END
    FROM generate_series(1, 5000) AS n;
    INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata, created_at)
    SELECT 'front-office', ('70000000-0000-0000-0000-' || lpad(task::text, 12, '0'))::uuid,
           CASE n % 2 WHEN 0 THEN 'comment' ELSE 'agent_update' END,
           CASE n % 3 WHEN 0 THEN 'dashboard' ELSE 'agent:ricky:main' END,
           'Event ' || n || ' of task ' || task, NULL,
           now() - CASE WHEN task > 300 THEN interval '181 days' ELSE interval '3 days' END
               + n * interval '100 ms'
    FROM (SELECT n, CASE WHEN n <= 600 THEN 1 + (n - 1) % 300 ELSE 301 + n % 4700 END AS task
          FROM generate_series(1, 100000) AS n) AS e;
    INSERT INTO task_comments (project_id, task_id, author_agent_key, content, created_at)
    SELECT 'front-office', ('70000000-0000-0000-0000-' || lpad(task::text, 12, '0'))::uuid,
           CASE WHEN n % 2 = 0 THEN 'agent:ricky:main' END, 'Old comment ' || n || ' of task ' || task,
           now() - CASE WHEN task > 300 THEN interval '190 days' ELSE interval '4 days' END
    FROM (SELECT n, CASE WHEN n <= 50 THEN n * 6 ELSE 300 + n END AS task
          FROM generate_series(1, 1000) AS n) AS c;
    INSERT INTO task_outputs (project_id, task_id, output_type, title, content_text, created_by, created_at)
    SELECT 'front-office', ('70000000-0000-0000-0000-' || lpad((1000 + n)::text, 12, '0'))::uuid, 'summary',
           'Old output ' || n, 'Text ' || n, 'agent:ricky:main', now() - interval '190 days'
    FROM generate_series(1, 200) AS n;
    ANALYZE tasks, task_events, task_comments, task_outputs";

/// Puts 5,000 tasks, 100,000 events, 1,000 old comments and 200 old outputs into the database of this world.
pub async fn big_project(world: &World) {
    world.sql(ROWS).await;
}
