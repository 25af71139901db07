//! What was never played, in a matrix that ended early.

use super::control::PLAIN;
use super::{Cell, Deal, Summary};

/// Adds the cells that are not there: MISSING, so that no report takes a part for the whole. Those of
/// another part, and of a client that does not get through a healthy proxy, are not of this matrix.
pub fn fill(summary: &mut Summary) {
    if !summary.partial {
        return;
    }
    let why = summary.partial_why.as_deref().unwrap_or("the matrix ended early");
    let why = format!("never played: {why}");
    let (mut cells, mut all) = (std::mem::take(&mut summary.cells), Vec::new());
    let deal = Deal::of(summary);
    for client in summary.clients.iter().map(|client| &client.name) {
        let out = |c: &super::Control| c.name == PLAIN && c.client == *client && !c.passed;
        let judged = !summary.controls.iter().any(out);
        for scenario in &summary.scenarios {
            let same = |cell: &Cell| cell.client == *client && cell.scenario == *scenario;
            if let Some(at) = cells.iter().position(same) {
                all.push(cells.remove(at));
            } else if judged && deal.has(summary.shard, client, scenario) {
                let mut cell = Cell::missing(client, scenario);
                cell.summary.clone_from(&why);
                all.push(cell);
            }
        }
    }
    // Those whose client or scenario no list names.
    all.append(&mut cells);
    summary.cells = all;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::example::{cell, summary};
    use crate::matrix::{Client, Mark, Shard};

    fn partial() -> Summary {
        let mut part = summary(vec![cell("b", "x/3", Mark::PASS), cell("a", "x/2", Mark::Flaky)]);
        part.scenarios = ["x/1", "x/2", "x/3"].map(str::to_owned).to_vec();
        part.clients.insert(0, Client { name: "c".to_owned(), argv: vec!["c".to_owned()] });
        (part.partial, part.partial_why) = (true, Some("ended by SIGINT".to_owned()));
        part
    }

    fn words(summary: &Summary) -> Vec<String> {
        let cells = summary.cells.iter();
        cells.map(|c| format!("{} {} {}", c.client, c.scenario, c.verdict)).collect()
    }

    #[test]
    fn what_was_not_played_is_missing() {
        let mut part = partial();
        part.controls.push(crate::matrix::Control {
            client: "c".to_owned(),
            passed: false,
            ..part.controls[0].clone()
        });
        fill(&mut part);
        let want = ["b x/1 MISSING", "b x/2 MISSING", "b x/3 PASS"];
        assert_eq!(words(&part)[..3], want);
        assert_eq!(words(&part)[3..], ["a x/1 MISSING", "a x/2 FLAKY", "a x/3 MISSING"]);
        assert_eq!(part.cells[0].summary, "never played: ended by SIGINT");
        let once = part.clone();
        fill(&mut part);
        assert_eq!(part, once);
    }

    #[test]
    fn a_whole_one_and_other_parts_are_left_alone() {
        let mut whole = partial();
        whole.partial = false;
        let before = whole.clone();
        fill(&mut whole);
        assert_eq!(whole, before);
        let mut part = partial();
        let shard = Shard { index: 1, of: 2 };
        part.shard = Some(shard);
        fill(&mut part);
        let missing = part.cells.iter().filter(|cell| cell.verdict == Mark::Missing);
        let deal = Deal::of(&part);
        assert!(
            missing.map(|c| assert!(deal.has(Some(shard), &c.client, &c.scenario))).count() > 0
        );
        assert!(part.cells.len() < 9);
    }
}
