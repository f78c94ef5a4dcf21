//! The mode changes when it has to, and not when it flaps.

use chrono::DateTime;
use clawdos_bridge::model::mode::{Mode, Sample, State, next};

fn after(samples: &[Mode]) -> Vec<Option<Mode>> {
    let mut state = State::unknown(DateTime::UNIX_EPOCH);
    samples
        .iter()
        .map(|mode| {
            let sample = Sample {
                mode: *mode,
                reason: String::new(),
            };
            state = next(&state, &sample, DateTime::UNIX_EPOCH);
            state.mode
        })
        .collect()
}

#[test]
fn the_first_sample_decides() {
    for mode in [Mode::Live, Mode::Backup, Mode::Offline] {
        assert_eq!(after(&[mode]), [Some(mode)]);
    }
}

#[test]
fn one_failure_is_not_an_outage_and_two_are() {
    use Mode::{Backup, Live};
    assert_eq!(after(&[Live, Backup, Live]), [Some(Live); 3]);
    assert_eq!(after(&[Live, Backup, Backup])[2], Some(Backup));
    assert_eq!(after(&[Live, Backup, Live, Backup, Live])[4], Some(Live));
}

#[test]
fn one_success_brings_it_back() {
    use Mode::{Backup, Live, Offline};
    assert_eq!(after(&[Live, Backup, Backup, Live])[3], Some(Live));
    assert_eq!(after(&[Offline, Backup])[1], Some(Backup));
}
