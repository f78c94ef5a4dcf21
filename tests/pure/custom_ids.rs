//! What comes back from a button is something that we have written, or nothing.

use clawdos_bridge::cards::custom_id::{LIMIT, Press, ReasonForm};
use clawdos_bridge::model::DeliveryId;
use clawdos_bridge::model::proposal::{PayloadHash, ProposalRef, ProposalSource, Verdict};
use proptest::prelude::*;
use uuid::Uuid;

fn references() -> impl Strategy<Value = ProposalRef> {
    (0..3_usize, any::<u128>()).prop_map(|(source, id)| ProposalRef {
        source: ProposalSource::ALL[source],
        id: Uuid::from_u128(id),
    })
}

fn hashes() -> impl Strategy<Value = PayloadHash> {
    any::<u128>().prop_map(|hash| format!("{hash:032x}").parse().unwrap())
}

fn presses() -> impl Strategy<Value = Press> {
    (0..8_u8, references(), hashes(), any::<u32>()).prop_map(|(which, reference, hash, until)| {
        let decide = |verdict| Press::Decide {
            reference,
            verdict,
            hash,
        };
        match which {
            0 => decide(Verdict::Approve),
            1 => decide(Verdict::Reject),
            2 => Press::RejectWithReason { reference, hash },
            3 => Press::Details { reference },
            4 => Press::Confirm {
                reference,
                hash,
                until,
            },
            5 => Press::Retry { reference },
            6 => Press::GiveUp { reference },
            _ => Press::Again {
                delivery: DeliveryId(reference.id),
            },
        }
    })
}

fn is_ours(text: &str) -> bool {
    text.parse::<Press>().is_ok() || text.parse::<ReasonForm>().is_ok()
}

proptest! {
    #[test]
    fn what_we_write_is_what_we_read(press in presses(), reference in references(), hash in hashes()) {
        let text = press.to_string();
        prop_assert!((1..=LIMIT).contains(&text.len()), "{text}");
        prop_assert_eq!(text.parse(), Ok(press));
        let form = ReasonForm { reference, hash };
        let text = form.to_string();
        prop_assert!((1..=LIMIT).contains(&text.len()), "{text}");
        prop_assert_eq!(text.parse(), Ok(form));
        prop_assert!(text.parse::<Press>().is_err());
    }

    #[test]
    fn a_text_has_one_spelling(press in presses(), cut in 0..100_usize, end in "[ :0a-fA-F]{1,40}") {
        let text = press.to_string();
        prop_assert!(!is_ours(&text[..cut.min(text.len() - 1)]));
        for other in [
            text.to_uppercase(),
            format!(" {text}"),
            format!("{text}{end}"),
            text.replacen("v1", "v2", 1),
        ] {
            if let Ok(read) = other.parse::<Press>() {
                prop_assert_eq!(read.to_string(), other);
            }
        }
        prop_assert!(text.to_uppercase().parse::<Press>().is_err());
    }

    #[test]
    fn noise_is_nothing(text in "\\PC{0,200}", digits in "[v1:a-z0-9-]{0,120}") {
        prop_assert!(!is_ours(&text));
        prop_assert!(!is_ours(&digits));
    }
}

#[test]
fn nothing_is_added_taken_away_or_spelled_differently() {
    let id = "5f0c1d2e3b4a4c5d8e9f000102030405";
    let hash = "000102030405060708090a0b0c0d0e0f";
    let good = format!("v1:approve:message:{id}:{hash}");
    assert!(is_ours(&good));
    for bad in [
        String::new(),
        "v1".to_owned(),
        format!("v1:approve:message:{id}"),
        format!("v1:approve:message:{id}:{hash}:1"),
        format!("v1:details:message:{id}:{hash}"),
        format!("v1:approve:message:5f0c1d2e-3b4a-4c5d-8e9f-000102030405:{hash}"),
        format!("v1:approve:message:{}:{hash}", id.to_uppercase()),
        format!("v1:approve:letter:{id}:{hash}"),
        format!("v1:approve:message:{id}:{}", &hash[..31]),
        format!("v1:confirm:message:{id}:{hash}"),
        format!("v1:confirm:message:{id}:{hash}:1"),
        format!("v1:confirm:message:{id}:{hash}:-000000001"),
        format!("v1:confirm:message:{id}:{hash}:+000000001"),
        format!("v1:confirm:message:{id}:{hash}:9999999999"),
        format!("v1:confirm:message:{id}:0000000001:{hash}"),
        format!("v1:reject:message:{id}:{hash}:0000000001"),
        format!("v0:approve:message:{id}:{hash}"),
        format!("v1:again:message:{id}"),
        format!("v1:again:delivery:{id}:{hash}"),
        format!("{good}:"),
        format!("{good}\n"),
        format!("approve:message:{id}:{hash}"),
    ] {
        assert!(!is_ours(&bad), "{bad:?} is taken for ours");
    }
}
