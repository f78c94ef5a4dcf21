//! What rows say of skills, hostile ones too.

use clawdos_bridge::model::skill::{Extra, Missing, SkillStatus};
use serde_json::{Value, json};

#[test]
fn badges_have_the_dashboards_order() {
    let status = |extra: Value| Extra::read(&extra).status;
    let all = json!({"blockedByAllowlist": true, "disabled": true, "eligible": false});
    assert_eq!(status(all), SkillStatus::Blocked);
    let two = json!({"blockedByAllowlist": false, "disabled": true, "eligible": false});
    assert_eq!(status(two), SkillStatus::Disabled);
    assert_eq!(status(json!({"eligible": false})), SkillStatus::NeedsSetup);
    assert_eq!(
        status(json!({"eligible": true, "missing": null})),
        SkillStatus::Ready
    );
    assert_eq!(status(json!({})), SkillStatus::Ready);
}

#[test]
fn hostile_json_is_read_as_far_as_it_makes_sense() {
    for odd in [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({"missing": 3, "emoji": {}}),
    ] {
        let read = Extra::read(&odd);
        assert_eq!(read.missing, Missing::default(), "{odd}");
        assert_eq!(read.status, SkillStatus::Ready);
    }
    let many: Vec<String> = (0..500)
        .map(|n| format!("{n}{}", "x".repeat(999)))
        .collect();
    let read = Extra::read(&json!({
        "homepage": "javascript:alert(1)", "eligible": "false",
        "missing": {"bins": ["jq", 3, null, " ", {"a": 1}], "env": "HOME", "anyBins": many},
    }));
    assert_eq!(read.homepage, None);
    assert_eq!(
        read.status,
        SkillStatus::Ready,
        "only JSON's false is false"
    );
    assert_eq!(read.missing.bins, ["jq"]);
    assert!(read.missing.env.is_empty());
    assert_eq!(read.missing.any_bins.len(), 20);
    assert!(
        read.missing
            .any_bins
            .iter()
            .all(|it| it.chars().count() == 200)
    );
}
