//! What is sent about each table: whole scripts, so that a probe costs two round trips.

use crate::model::change::Table;

macro_rules! project {
    () => {
        "'bridge-doctor-probe'"
    };
}

macro_rules! id {
    () => {
        "'d0c70a3b-52f1-4c3e-9a6d-7b1e0c9f4a27'"
    };
}

macro_rules! add_project {
    () => {
        concat!(
            "INSERT INTO public.projects (id, name) VALUES (",
            project!(),
            ", 'clawdos-bridge doctor');"
        )
    };
}

macro_rules! remove_project {
    () => {
        concat!("DELETE FROM public.projects WHERE id = ", project!(), ";")
    };
}

macro_rules! add {
    ($table:literal, $columns:literal, $values:expr) => {
        concat!(
            "INSERT INTO public.",
            $table,
            " (id, project_id, ",
            $columns,
            ") VALUES (",
            id!(),
            ", ",
            project!(),
            ", ",
            $values,
            ");"
        )
    };
}

macro_rules! remove {
    ($table:literal) => {
        concat!(
            "DELETE FROM public.",
            $table,
            " WHERE id = ",
            id!(),
            " AND project_id = ",
            project!(),
            ";"
        )
    };
}

/// Other programs that read the log can tell our transactions by this.
macro_rules! begin {
    ($table:literal) => {
        concat!(
            "BEGIN; SELECT pg_logical_emit_message(true, 'clawdos-bridge doctor', '",
            $table,
            "');"
        )
    };
}

macro_rules! task {
    () => {
        add!("tasks", "title, status", "'clawdos-bridge doctor', 'done'")
    };
}

macro_rules! message {
    () => {
        add!(
            "project_chat_messages",
            "author, message",
            "'clawdos-bridge doctor', 'probe'"
        )
    };
}

/// What is sent about one table.
pub(super) struct Script {
    pub(super) table: Table,
    /// Written and removed again, the rows it points at with it. Every statement but the first touches one row.
    pub(super) rehearsal: &'static str,
    /// Written, where the rows that it points at are there.
    pub(super) keep: &'static str,
    pub(super) remove: &'static str,
}

macro_rules! script {
    ($table:ident, $name:literal, $add:expr $(, $parent:literal, $add_parent:expr)?) => {
        Script {
            table: Table::$table,
            rehearsal: concat!(
                begin!($name),
                add_project!(),
                $($add_parent,)?
                $add,
                remove!($name),
                $(remove!($parent),)?
                remove_project!()
            ),
            keep: concat!(begin!($name), $add),
            remove: remove!($name),
        }
    };
}

/// Every table, those that others point at first.
pub(super) const SCRIPTS: [Script; 19] = [
    script!(Tasks, "tasks", task!()),
    script!(ProjectChatMessages, "project_chat_messages", message!()),
    script!(
        ProjectChatThreads,
        "project_chat_threads",
        add!("project_chat_threads", "title", "'clawdos-bridge doctor'")
    ),
    script!(
        Activities,
        "activities",
        add!(
            "activities",
            "type, message",
            "'probe', 'clawdos-bridge doctor'"
        )
    ),
    script!(
        AgentProvisionRequests,
        "agent_provision_requests",
        add!(
            "agent_provision_requests",
            "agent_key, agent_id_short, display_name, status",
            "'agent:probe:main', 'probe', 'clawdos-bridge doctor', 'done'"
        )
    ),
    script!(
        AgentStatus,
        "agent_status",
        add!("agent_status", "agent_key", "'agent:probe:main'")
    ),
    script!(
        Agents,
        "agents",
        add!(
            "agents",
            "agent_key, name",
            "'agent:probe:main', 'clawdos-bridge doctor'"
        )
    ),
    script!(
        BrainDocs,
        "brain_docs",
        add!(
            "brain_docs",
            "agent_key, doc_type",
            "'agent:probe:main', 'soul'"
        )
    ),
    script!(
        ChatDeliveryQueue,
        "chat_delivery_queue",
        add!(
            "chat_delivery_queue",
            "message_id, target_agent_key, status",
            concat!(id!(), ", 'agent:probe:main', 'processed'")
        ),
        "project_chat_messages",
        message!()
    ),
    script!(
        CronCreateRequests,
        "cron_create_requests",
        add!(
            "cron_create_requests",
            "name, schedule_expr, status",
            "'clawdos-bridge doctor', '0 0 1 1 *', 'done'"
        )
    ),
    script!(
        CronDeleteRequests,
        "cron_delete_requests",
        add!(
            "cron_delete_requests",
            "job_id, status",
            "'bridge-doctor-probe', 'done'"
        )
    ),
    script!(
        CronJobPatchRequests,
        "cron_job_patch_requests",
        add!(
            "cron_job_patch_requests",
            "job_id, patch_json, status",
            "'bridge-doctor-probe', '{}', 'done'"
        )
    ),
    script!(
        CronMirror,
        "cron_mirror",
        add!(
            "cron_mirror",
            "job_id, name, enabled",
            "'bridge-doctor-probe', 'clawdos-bridge doctor', false"
        )
    ),
    script!(
        CronRunRequests,
        "cron_run_requests",
        add!(
            "cron_run_requests",
            "job_id, status",
            "'bridge-doctor-probe', 'done'"
        )
    ),
    script!(
        ProjectSettings,
        "project_settings",
        add!(
            "project_settings",
            "key, value",
            "'bridge-doctor-probe', ''"
        )
    ),
    script!(
        SkillsMirror,
        "skills_mirror",
        add!(
            "skills_mirror",
            "skill_id, name",
            "'bridge-doctor-probe', 'clawdos-bridge doctor'"
        )
    ),
    script!(
        TaskComments,
        "task_comments",
        add!(
            "task_comments",
            "task_id, content",
            concat!(id!(), ", 'clawdos-bridge doctor'")
        ),
        "tasks",
        task!()
    ),
    script!(
        TaskEvents,
        "task_events",
        add!(
            "task_events",
            "task_id, event_type, author",
            concat!(id!(), ", 'probe', 'clawdos-bridge doctor'")
        ),
        "tasks",
        task!()
    ),
    script!(
        TaskOutputs,
        "task_outputs",
        add!(
            "task_outputs",
            "task_id, output_type",
            concat!(id!(), ", 'summary'")
        ),
        "tasks",
        task!()
    ),
];

/// Writes the project.
pub(super) const ADD_PROJECT: &str = add_project!();

/// Removes the project.
pub(super) const REMOVE_PROJECT: &str = remove_project!();

/// A row if the project is there.
pub(super) const LOOK: &str = concat!("SELECT FROM public.projects WHERE id = ", project!());

/// What is sent about this table.
pub(super) fn script(table: Table) -> &'static Script {
    let of_table = SCRIPTS.iter().find(|script| script.table == table);
    of_table.unwrap_or(&SCRIPTS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::probe::{PROBE_ID, PROBE_PROJECT};

    #[test]
    fn every_table_has_its_script_and_the_ids_are_one() {
        for table in Table::ALL {
            let script = script(*table);
            assert_eq!(script.table, *table);
            let into = format!("INSERT INTO public.{table} (");
            assert!(script.rehearsal.contains(&into) && script.keep.contains(&into));
            let id = format!("'{PROBE_ID}'");
            assert!(script.remove.contains(&id) && script.keep.contains(&id));
            assert!(script.rehearsal.contains(&format!("'{PROBE_PROJECT}'")));
        }
    }
}
