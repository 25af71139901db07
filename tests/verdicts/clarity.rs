//! SLOW and VAGUE.

use crate::judge;

/// 4 s after a RST, where 2 s are allowed. When badproxy itself did not get its turn for so long
/// that it cannot tell, it has to say so.
#[test]
fn failing_late_is_slow() {
    let judged = judge(&["reply/reset"], "curl -sS {target} || { sleep 4; exit 1; }");
    if judged.ended["lag_max_ms"].as_f64().unwrap() > 200.0 {
        judged.earns("INCONCLUSIVE", 5).by("lag");
    } else {
        judged.earns("SLOW", 0).by("fast");
    }
}

#[test]
fn failing_without_a_reason_is_vague() {
    judge(&["reply/reset"], "curl -s {target}").earns("VAGUE", 0).by("explain");
    let judged = judge(&["reply/reset"], "curl -s {target} || { echo oops; exit 1; }");
    judged.earns("VAGUE", 0).by("explain");
    judge(&["reply/reset", "--strict"], "curl -s {target}").earns("VAGUE", 1);
    judge(&["reply/reset", "--strict"], "curl -sS {target}").earns("PASS", 0);
}
