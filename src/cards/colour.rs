//! The colours of cards.

pub(super) const GREY: u32 = 0x0095_A5A6;
pub(super) const GREEN: u32 = 0x002E_CC71;
pub(super) const YELLOW: u32 = 0x00F1_C40F;
pub(super) const ORANGE: u32 = 0x00E6_7E22;
pub(super) const RED: u32 = 0x00E7_4C3C;
pub(super) const BLUE: u32 = 0x0034_98DB;
pub(super) const PURPLE: u32 = 0x009B_59B6;
