//! Which modules need each other.

use std::collections::BTreeSet;

use crate::modules::{ModulePath, Uses};

/// One paragraph for each group of modules that all reach each other: its modules, and each use
/// between two of them with the names that are used.
pub(crate) fn cycles(uses: &Uses) -> Vec<String> {
    let mut told = BTreeSet::new();
    let mut cycles = Vec::new();
    for start in uses.keys() {
        if told.contains(start) {
            continue;
        }
        let there = reachable(uses, start);
        let both = there
            .iter()
            .filter(|other| reachable(uses, other).contains(start));
        let group: BTreeSet<_> = both.cloned().collect();
        if group.is_empty() {
            continue;
        }
        cycles.push(describe(uses, &group));
        told.extend(group);
    }
    cycles
}

/// The modules that one needs, directly or through others; itself only if it is on a cycle.
fn reachable(uses: &Uses, start: &ModulePath) -> BTreeSet<ModulePath> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(module) = next.pop() {
        for other in uses.get(module).into_iter().flat_map(|used| used.keys()) {
            if reached.insert(other.clone()) {
                next.push(other);
            }
        }
    }
    reached
}

fn describe(uses: &Uses, group: &BTreeSet<ModulePath>) -> String {
    let mut lines = vec![format!("{} modules need each other:", group.len())];
    for from in group {
        for (to, names) in uses.get(from).into_iter().flatten() {
            if group.contains(to) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                lines.push(format!(
                    "  {} -> {}: {}",
                    text(from),
                    text(to),
                    names.join(", ")
                ));
            }
        }
    }
    lines.join("\n")
}

fn text(path: &ModulePath) -> String {
    if path.is_empty() {
        "crate".into()
    } else {
        path.join("::")
    }
}

#[test]
fn a_cycle_is_told_once_with_what_ties_it() {
    let path = |name: &str| vec![name.to_owned()];
    let mut uses = Uses::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")] {
        let names = uses.entry(path(from)).or_default().entry(path(to));
        names.or_default().insert(to.to_uppercase());
    }
    let expected = "3 modules need each other:\n  a -> b: B\n  b -> c: C\n  c -> a: A";
    assert_eq!(cycles(&uses), [expected]);
}
