//! Rows of our own that have numbers. The ledger names rows by UUID; a number is taken as one.

use uuid::Uuid;

use super::look::Loaded;
use super::{Result, Store, StoreError};
use crate::model::view::{Entity, EntityKind};

/// The entity of a numbered row.
pub(super) fn numbered(kind: EntityKind, id: i64) -> Entity {
    Entity {
        kind,
        id: Uuid::from_u128(u128::from(id.cast_unsigned())),
    }
}

/// The numbers of numbered rows.
pub(super) fn numbers(ids: &[Uuid]) -> Vec<i64> {
    let number = |id: &Uuid| i64::try_from(id.as_u128()).ok();
    ids.iter().filter_map(number).collect()
}

impl Store {
    /// Numbered rows of one kind, each with its number and version, and their views.
    pub(super) async fn with_views<R, T>(
        &self,
        kind: EntityKind,
        ids: &[Uuid],
        rows: impl Iterator<Item = (i64, String, R)>,
    ) -> Result<Vec<Loaded<T>>>
    where
        T: TryFrom<R, Error = StoreError>,
    {
        let mut views = self.views(kind, ids).await?;
        rows.map(|(id, version, row)| {
            let entity = numbered(kind, id);
            Ok(Loaded {
                entity,
                row: Some((row.try_into()?, version)),
                views: views.extract_if(.., |v| v.key.entity == entity).collect(),
            })
        })
        .collect()
    }
}
