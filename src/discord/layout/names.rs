//! What channels are called. Several projects may share a server.

use crate::model::view::Surface;

/// Most characters of a project's name in that of a category, which Discord holds to 100.
const PROJECT_NAME: usize = 80;

/// What channels are called when we make them, in categories that are called after this project.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a>(pub(super) Option<&'a str>);

impl Names<'_> {
    /// Discord lower-cases the names of text channels.
    pub(super) fn of(self, surface: &Surface) -> String {
        let category = |plain: &str, number: u8| {
            let mut name = match self.0 {
                Some(project) => {
                    let project: String = project.chars().take(PROJECT_NAME).collect();
                    format!("{} {plain}", project.trim())
                }
                None => plain.to_owned(),
            };
            if number > 1 {
                name.push(' ');
                name.push_str(&number.to_string());
            }
            name
        };
        match (surface, self.0) {
            (Surface::Category, Some(project)) => project.chars().take(PROJECT_NAME).collect(),
            (Surface::Category, None) => "Mission Control".to_owned(),
            (Surface::DmCategory(number), _) => category("DMs", *number),
            (Surface::ArchiveCategory(number), _) => category("Archive", *number),
            (other, _) => other.to_string().to_lowercase(),
        }
    }
}
