//! What the rules at `syn` ask of a listening socket: pure.

use std::net::IpAddr;

use crate::fault::duplicate::Duplicate;
use crate::fault::lose::Lose;
use crate::fault::reorder::Reorder;
use crate::fault::{Direction, Effect};
use crate::scenario::{Length, Scenario};
use crate::stage::Stage;
use crate::world::Syn;

/// What a listening socket is to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Door {
    /// What the kernel does with a SYN.
    pub syn: Syn,
    /// The largest segment that it takes, in bytes.
    pub mss: Option<u32>,
    /// Its receive buffer, in bytes.
    pub window: Option<u32>,
    /// Which packets are lost.
    pub lose: Option<Lose>,
    /// Which segments come twice.
    pub duplicate: Option<Duplicate>,
    /// Which segments are swapped.
    pub reorder: Option<Reorder>,
    /// The rule that says so, from 1.
    pub rule: usize,
    /// What each connection that it lets through meets: the effect, and what it did.
    pub meets: Vec<(&'static str, String)>,
}

/// The door of the proxy, or of one of its addresses. `factor`: by which all its times are
/// multiplied.
pub fn door(scenario: &Scenario, factor: Option<f64>, address: Option<IpAddr>) -> Door {
    let mut door = Door::default();
    let rules = scenario.rules.iter().enumerate().filter(|(_, r)| r.at.value == Stage::Syn);
    let here = |wanted: Option<IpAddr>| wanted.is_none() || wanted == address;
    let mut here = rules.filter(|(_, rule)| here(rule.when().address.map(|a| a.0)));
    let Some((index, rule)) = here.next() else { return door };
    door.rule = index + 1;
    let factor = factor.unwrap_or(1.0);
    let scaled = |time: Option<Length>| Some(scenario.scaled(time?.0).mul_f64(factor));
    for step in &rule.steps.0 {
        let met = match &step.effect {
            Effect::Refuse(f) => {
                door.syn = Syn::Refuse(scaled(f.time));
                None
            }
            Effect::Blackhole(f) => {
                door.syn = Syn::Blackhole(scaled(f.time));
                None
            }
            Effect::Unreachable(_) => {
                door.syn = Syn::Unreachable;
                None
            }
            Effect::Mss(f) => {
                door.mss = u32::try_from(f.bytes.0).ok();
                Some(format!("segments of at most {} bytes", f.bytes.0))
            }
            Effect::Window(f) => {
                door.window = u32::try_from(f.bytes.0).ok();
                Some(format!("a receive buffer of {} bytes", f.bytes.0))
            }
            Effect::Lose(f) => {
                // Met by whoever loses one.
                door.lose = Some(f.clone());
                None
            }
            Effect::Duplicate(f) => {
                door.duplicate = Some(f.clone());
                let every = match f.every.unwrap_or(1) {
                    1 => "sends every segment with data".to_owned(),
                    n => format!("sends one segment with data in {n}"),
                };
                Some(format!("{every}{} a second time", way(f.direction)))
            }
            Effect::Reorder(f) => {
                door.reorder = Some(f.clone());
                Some(format!("swaps segments with data{} in pairs", way(f.direction)))
            }
            _ => None,
        };
        door.meets.extend(met.map(|did| (step.effect.word(), did)));
    }
    door
}

fn way(direction: Option<Direction>) -> &'static str {
    match direction {
        None => "",
        Some(Direction::Upstream) => " to the proxy",
        Some(Direction::Downstream) => " to the client",
    }
}

impl Scenario {
    /// Whether what is played at `syn` keeps connections away, so that a client that does
    /// everything right may get none: at every address that the proxy has.
    pub fn shut(&self) -> bool {
        let shut = |address| door(self, None, address).syn != Syn::Answer;
        match self.proxy.addresses.as_slice() {
            [] => shut(None),
            some => some.iter().all(|address| shut(Some(address.0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    #[test]
    fn each_address_has_its_own() {
        let yaml = "proxy: {addresses: [198.51.100.1, 198.51.100.2]}\n\
                    rules:\n\
                    - {when: {address: 198.51.100.1}, at: syn, do: {blackhole: {for: 3s}}}\n\
                    - {at: syn, do: [mss: 88B, window: 4KiB]}\n";
        let scenario = read(yaml, "x").unwrap_or_else(|e| panic!("{e}"));
        let of = |ip: &str| door(&scenario, Some(0.5), Some(ip.parse().unwrap()));
        let first = of("198.51.100.1");
        assert_eq!(first.syn, Syn::Blackhole(Some(std::time::Duration::from_millis(1500))));
        assert_eq!((first.rule, first.mss, first.meets.len()), (1, None, 0));
        let second = of("198.51.100.2");
        assert_eq!((second.syn, second.rule), (Syn::Answer, 2));
        assert_eq!((second.mss, second.window), (Some(88), Some(4096)));
        assert_eq!(second.meets.len(), 2);
        assert!(!scenario.shut());
    }

    #[test]
    fn shut_is_shut_everywhere() {
        for (yaml, shut) in [
            ("rules: [{at: syn, do: refuse}]", true),
            ("rules: [{at: syn, do: {mss: 88B}}]", false),
            ("rules: [{at: accept, do: reset}]", false),
            ("proxy: {addresses: [198.51.100.1]}\nrules: [{at: syn, do: unreachable}]", true),
        ] {
            assert_eq!(read(yaml, "x").unwrap_or_else(|e| panic!("{e}")).shut(), shut, "{yaml}");
        }
    }
}
