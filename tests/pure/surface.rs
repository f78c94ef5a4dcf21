//! Surfaces and their words.

use clawdos_bridge::model::view::Surface;

#[test]
fn every_surface_is_read_as_it_is_written() {
    for (surface, word) in [
        (Surface::Dm("a-b".to_owned()), "dm-a-b"),
        (Surface::DmCategory(1), "category-dms"),
        (Surface::DmCategory(2), "category-dms-2"),
        (Surface::ArchiveCategory(1), "category-archive"),
        (Surface::ArchiveCategory(10), "category-archive-10"),
    ] {
        assert_eq!(surface.to_string(), word);
        assert_eq!(word.parse(), Ok(surface));
    }
    for word in [
        "category-dms-1",
        "category-dms-0",
        "category-dms-x",
        "category-archive-",
    ] {
        assert!(word.parse::<Surface>().is_err(), "{word}");
    }
}
