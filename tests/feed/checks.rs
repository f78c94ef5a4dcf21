//! What the check says about servers that cannot feed us, or only in part.

use clawdos_bridge::feed::{
    FeedProblem, ReplicationSettings, Table, check, check_visibility, websocket::Key,
};

use crate::{listener::Listener, postgres::Server};

async fn problems(url: &str) -> Vec<FeedProblem> {
    check(&ReplicationSettings::new(url.to_owned().into())).await
}

/// Creates what [`Table::ALL`] names and publishes it.
const ALL_TABLES: &str = "
    DO $$ DECLARE name text; BEGIN
        FOREACH name IN ARRAY string_to_array('TABLES', ',') LOOP
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I (id uuid PRIMARY KEY)', name);
        END LOOP;
    END $$;
    DROP PUBLICATION supabase_realtime;
    CREATE PUBLICATION supabase_realtime FOR TABLE TABLES";

fn all_tables() -> String {
    let names: Vec<&str> = Table::ALL.iter().map(|table| table.as_str()).collect();
    ALL_TABLES.replace("TABLES", &names.join(","))
}

#[tokio::test]
async fn a_server_that_can_feed_us_has_no_problems() {
    let mut db = Server::shared().database().await;
    db.execute(&all_tables()).await;
    assert_eq!(problems(&db.url).await, []);
}

#[tokio::test]
async fn tables_that_are_missing_or_unpublished_are_named() {
    let mut db = Server::shared().database().await;
    db.execute(&all_tables()).await;
    db.execute(
        "ALTER PUBLICATION supabase_realtime DROP TABLE agents, project_settings;
         ALTER PUBLICATION supabase_realtime SET (publish = 'insert, delete');
         DROP TABLE brain_docs; CREATE PUBLICATION another FOR TABLE agents",
    )
    .await;
    let problems = problems(&db.url).await;
    assert!(
        !problems.iter().any(FeedProblem::stops_the_feed),
        "{problems:?}"
    );
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let [partial, missing, unpublished] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(partial.contains("leaves out update:"), "{partial}");
    assert!(
        missing.contains("do not exist: public.brain_docs."),
        "{missing}"
    );
    let fix =
        "ALTER PUBLICATION supabase_realtime ADD TABLE public.agents, public.project_settings";
    assert!(unpublished.ends_with(fix), "{unpublished}");

    // The fix that was named is the fix.
    db.execute(fix).await;
    let problems = self::problems(&db.url).await;
    assert!(
        !problems
            .iter()
            .any(|problem| matches!(problem, FeedProblem::Unpublished { .. }))
    );
}

#[tokio::test]
async fn a_row_filter_is_a_gap() {
    let mut db = Server::shared().database().await;
    db.execute(&all_tables()).await;
    db.execute(
        "ALTER PUBLICATION supabase_realtime DROP TABLE tasks;
         ALTER PUBLICATION supabase_realtime ADD TABLE tasks WHERE (id IS NOT NULL)",
    )
    .await;
    let problems = problems(&db.url).await;
    assert!(
        matches!(&problems[..], [FeedProblem::Filtered { tables, .. }] if tables.0 == [Table::Tasks])
    );
}

#[tokio::test]
async fn a_missing_publication_is_explained() {
    let mut db = Server::shared().database().await;
    db.execute("DROP PUBLICATION supabase_realtime").await;
    let said = problems(&db.url).await[0].to_string();
    assert!(said.contains("clawdos-bridge migrate"), "{said}");
}

#[tokio::test]
async fn wal_level_replica_is_explained() {
    let server = Server::start("replica", &["synchronous_commit = off"]);
    let mut db = server.database().await;
    db.execute(&all_tables()).await;
    let problems = problems(&db.url).await;
    let expected = [
        FeedProblem::WalLevel("replica".to_owned()),
        FeedProblem::LateCommits,
    ];
    assert_eq!(problems, expected);
    let said = problems[0].to_string();
    assert!(
        said.contains("ALTER SYSTEM SET wal_level = 'logical'"),
        "{said}"
    );
    // The feed itself says the same.
    assert_eq!(Listener::start(&db.url, 16).outage().await, said);
}

#[tokio::test]
async fn a_role_without_replication_is_explained() {
    let server = Server::shared();
    let mut db = server.database().await;
    db.execute(&all_tables()).await;
    db.execute("CREATE ROLE \"Plain\" LOGIN PASSWORD 'p/w %d'")
        .await;
    let url = server.url("Plain", &db.name);
    let problems = problems(&url).await;
    assert_eq!(
        problems,
        [FeedProblem::RoleLacksReplication("Plain".to_owned())]
    );
    let said = problems[0].to_string();
    let fix = "ALTER ROLE \"Plain\" REPLICATION";
    assert!(said.contains(fix), "{said}");
    assert_eq!(Listener::start(&url, 16).outage().await, said);

    // The fix that was named is the fix: no superuser is needed.
    db.execute(fix).await;
    assert_eq!(self::problems(&url).await, []);
    let mut feed = Listener::connected(&url).await;
    db.execute("INSERT INTO tasks VALUES ('00000000-0000-4000-8000-000000000001')")
        .await;
    assert_eq!(feed.lines().await.len(), 1);
}

#[tokio::test]
async fn a_wrong_password_and_a_server_that_is_away_are_told_apart() {
    let db = Server::shared().database().await;
    let wrong = db.url.replace("p%2Fw", "wrong");
    assert!(matches!(
        &problems(&wrong).await[..],
        [FeedProblem::Login(_)]
    ));
    let said = Listener::start(&wrong, 16).outage().await;
    assert!(
        said.contains("Check user and password") && !said.contains("wrong%20"),
        "{said}"
    );

    let nobody = "postgres://u:p@127.0.0.1:1/d";
    assert!(matches!(
        &problems(nobody).await[..],
        [FeedProblem::Unreachable(_)]
    ));
    assert!(
        Listener::start(nobody, 16)
            .outage()
            .await
            .contains("cannot be reached")
    );
}

#[tokio::test]
async fn tables_that_a_key_of_supabase_may_not_read_are_named() {
    let mut db = Server::shared().database().await;
    db.execute(&all_tables()).await;
    db.execute(
        "DROP TABLE strangers; CREATE ROLE \"Reader\"; CREATE ROLE visitors; CREATE ROLE guest IN ROLE visitors;
         CREATE ROLE service BYPASSRLS;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"Reader\", visitors, service;
         REVOKE SELECT ON tasks FROM \"Reader\";
         ALTER TABLE agents ENABLE ROW LEVEL SECURITY; ALTER TABLE skills_mirror ENABLE ROW LEVEL SECURITY;
         ALTER TABLE activities ENABLE ROW LEVEL SECURITY;
         CREATE POLICY a ON agents FOR INSERT TO \"Reader\" WITH CHECK (true);
         CREATE POLICY b ON skills_mirror FOR SELECT TO public USING (true);
         CREATE POLICY c ON activities TO visitors USING (true)",
    )
    .await;
    let url = db.url.clone().into();
    let said = async |role: &str| -> Vec<String> {
        let problems = check_visibility(&url, role).await;
        assert!(!problems.iter().any(FeedProblem::stops_the_feed));
        problems.iter().map(ToString::to_string).collect()
    };
    let reader = said("Reader").await;
    let [ungranted, hidden] = reader.as_slice() else {
        panic!("{reader:?}")
    };
    assert!(
        ungranted.contains("GRANT SELECT ON public.tasks TO \"Reader\""),
        "{ungranted}"
    );
    assert!(
        hidden.contains("announced: public.activities, public.agents."),
        "{hidden}"
    );
    let guest = said("guest").await;
    assert!(
        matches!(guest.as_slice(), [hidden] if hidden.contains("announced: public.agents.")),
        "{guest:?}"
    );
    assert_eq!(said("service").await, [""; 0]);
    let unknown = said("nobody_knows").await;
    assert!(
        matches!(unknown.as_slice(), [one] if one.contains("SUPABASE_URL and DATABASE_URL")),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_key_of_supabase_tells_its_role() {
    // {"alg":"HS256"} and {"role":"anon","iss":"supabase"}, signed by nobody.
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiIsImlzcyI6InN1cGFiYXNlIn0.c2lnbmVk";
    for (key, role) in [
        (token, Some("anon")),
        ("sb_publishable_abc", Some("anon")),
        ("sb_secret_abc", Some("service_role")),
        ("a.b.c", None),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", None),
        ("opaque", None),
    ] {
        let fixed = Key::Fixed(key.to_owned().into());
        assert_eq!(fixed.role().await.as_deref(), role, "{key}");
    }
}
