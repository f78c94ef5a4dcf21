//! One timeline from three tables, in order and without twins.

use serde_json::json;

use crate::harness::world::World;

#[tokio::test]
async fn everything_that_happened_stands_in_the_thread_in_order() {
    let mut world = World::without_bridge().await;
    let task = world
        .task("Build the shed", "in_progress", Some("agent:ricky:main"))
        .await;
    sqlx::query(
        "WITH c AS (INSERT INTO task_comments (project_id, task_id, author_agent_key, content, created_at) \
             VALUES ('front-office', $1, 'agent:ricky:main', 'old comment', now() - interval '5 h'), \
                    ('front-office', $1, NULL, 'carried comment', now() - interval '4 h') \
             RETURNING id, content), \
         o AS (INSERT INTO task_outputs (project_id, task_id, output_type, title, link_url, created_by, created_at) \
             VALUES ('front-office', $1, 'link', 'The plan', 'https://example.org/plan', \
                     'agent:ricky:main', now() - interval '3 h') RETURNING id) \
         INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata, created_at) \
         SELECT 'front-office', $1, 'comment', 'ui', 'carried comment', \
                jsonb_build_object('legacy_comment_id', c.id), now() - interval '4 h' \
         FROM c WHERE c.content = 'carried comment' \
         UNION ALL \
         SELECT 'front-office', $1, 'agent_update', 'agent:ricky:main', 'half done', '[1, 2]', \
                now() - interval '2 h'",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .unwrap();
    world.start_bridge();
    let thread = world.thread("Build the shed").await;
    let change = json!({ "old_status": "in_progress", "new_status": "review" });
    world
        .event(task, "status_change", "dashboard", "", change.clone())
        .await;
    world
        .event(
            task,
            "status_change",
            "dashboard",
            "In progress → Review",
            change,
        )
        .await;
    world.comment(task, "new comment").await;
    let operator = world.person("zack");
    let seen = operator
        .sees(&thread, "the newest comment", |seen| {
            seen.iter().any(|it| it.text == "new comment")
        })
        .await;
    let texts: Vec<&str> = seen[1..].iter().map(|it| it.text.as_str()).collect();
    let expected = [
        "old comment",
        "carried comment",
        "📎 **The plan**\n<https://example.org/plan>",
        "half done",
        "🔀 🔧 In progress → 🔎 Review · Operator \\(dashboard\\)",
        "new comment",
    ];
    assert_eq!(texts, expected);
}
