//! The rune of a store: what it has to allow, and what nobody who takes the gateway over should have.

use lightningd::Rest;
use lightningd::rune::Rune;
use purrwall_gateway::StoreId;

use crate::settings::Settings;

/// The calls that a store makes.
const METHODS: [&str; 7] = [
    "getinfo",
    "invoice",
    "listinvoices",
    "waitanyinvoice",
    "wait",
    "delinvoice",
    "autoclean-status",
];
/// Seconds. lightningd aborts if an invoice is to be valid for an absurd time.
const MAX_EXPIRY: u64 = 30 * 24 * 60 * 60;

/// What a rune must not allow, and by which calls.
const DANGERS: [(&str, &[&str]); 4] = [
    (
        "pay",
        &[
            "pay",
            "xpay",
            "renepay",
            "keysend",
            "sendpay",
            "sendonion",
            "injectpaymentonion",
            "sendinvoice",
        ],
    ),
    (
        "withdraw",
        &[
            "withdraw",
            "multiwithdraw",
            "txprepare",
            "txsend",
            "fundpsbt",
            "utxopsbt",
            "signpsbt",
            "sendpsbt",
            "fundchannel",
            "multifundchannel",
            "fundchannel_start",
            "openchannel_init",
            "splice_init",
            "dev-splice",
            "close",
        ],
    ),
    (
        "make runes",
        &[
            "createrune",
            "commando-rune",
            "showrunes",
            "commando-listrunes",
        ],
    ),
    (
        "take the node over",
        &[
            "plugin",
            "setconfig",
            "makesecret",
            "exposesecret",
            "recover",
            "emergencyrecover",
        ],
    ),
];
/// No node has it: a rune that allows it allows what plugins add, too, by whatever name.
const NO_METHOD: &str = "purrwall-no-such-method";

/// The restrictions of a rune for this store: each is a list of alternatives. So many invoices a minute
/// can be made with it; 0 is no limit.
pub fn restrictions(store: &StoreId, invoices_per_minute: u32) -> Vec<Vec<String>> {
    let only = |method: &str, alternative: String| vec![format!("method/{method}"), alternative];
    let labels = format!("pnamelabel^{}", store.label_prefix());
    let mut all = vec![
        METHODS.map(|method| format!("method={method}")).to_vec(),
        only("invoice", labels.clone()),
        only("invoice", "pnameexpiry>0".to_owned()),
        only("invoice", format!("pnameexpiry<{}", MAX_EXPIRY + 1)),
        only("delinvoice", labels),
        only("delinvoice", "pnamestatus=expired".to_owned()),
    ];
    if invoices_per_minute > 0 {
        all.push(only("invoice", format!("rate={invoices_per_minute}")));
    }
    all
}

/// What a rune allows beside what the store needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What whoever has it could do that the rune of a store must not allow.
    pub dangers: Vec<String>,
    /// What it does not allow, though the store needs it.
    pub missing: Vec<String>,
    /// What it allows beyond what the store needs.
    pub needless: Vec<String>,
}

/// Why a rune is not taken.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rune for {place} could {}, and so could whoever takes the gateway over; `purrwall rune` prints \
     the command that makes a narrower one, and dangerous_rune = \"allow\" takes it all the same",
    .dangers.join(" and ")
)]
pub struct DangerousRune {
    /// The clnrest that takes it.
    place: String,
    dangers: Vec<String>,
}

/// Judges each rune of the settings, and names the clnrest that takes it.
///
/// # Errors
/// If one is dangerous, and the owner has not allowed that.
pub fn check(settings: &Settings) -> Result<Vec<(String, Findings)>, DangerousRune> {
    let nodes = settings.options.nodes.iter();
    let judge = |rest: &Rest| {
        let place = rest.url();
        let found = check_one(settings, &rest.rune(), &place)?;
        Ok((place, found))
    };
    nodes.filter_map(|node| node.rest()).map(judge).collect()
}

/// Judges a rune for the clnrest at `place`.
///
/// # Errors
/// If it is dangerous, and the owner has not allowed that.
pub fn check_one(settings: &Settings, rune: &Rune, place: &str) -> Result<Findings, DangerousRune> {
    let found = judge(rune, &settings.options.store.id);
    if found.dangers.is_empty() || settings.allow_dangerous_rune {
        return Ok(found);
    }
    Err(DangerousRune {
        place: place.to_owned(),
        dangers: found.dangers,
    })
}

/// Compares a rune with what this store needs.
fn judge(rune: &Rune, store: &StoreId) -> Findings {
    let allows = |method: &str| rune.may_allow(&[("method", method)]);
    if allows(NO_METHOD) {
        let dangers = DANGERS.map(|(what, _)| what.to_owned()).to_vec();
        return Findings {
            dangers,
            ..Findings::default()
        };
    }
    let dangers = DANGERS.iter().filter_map(|(what, methods)| {
        let by: Vec<_> = methods
            .iter()
            .copied()
            .filter(|method| allows(method))
            .collect();
        (!by.is_empty()).then(|| format!("{what} ({})", by.join(", ")))
    });
    Findings {
        dangers: dangers.collect(),
        missing: missing(rune, store),
        needless: needless(rune, store),
    }
}

fn missing(rune: &Rune, store: &StoreId) -> Vec<String> {
    let label = format!("{}cat/x", store.label_prefix());
    let needs = |method: &'static str| {
        let fields = [
            ("method", method),
            ("pnamelabel", label.as_str()),
            ("pnamestatus", "expired"),
        ];
        // Only two of them have a label.
        let fields = match method {
            "delinvoice" => &fields[..],
            "invoice" => &fields[..2],
            _ => &fields[..1],
        };
        (!rune.may_allow(fields)).then(|| method.to_owned())
    };
    METHODS.into_iter().filter_map(needs).collect()
}

fn needless(rune: &Rune, store: &StoreId) -> Vec<String> {
    let mut found = Vec::new();
    let alternatives = || {
        rune.restrictions()
            .iter()
            .flat_map(|each| &each.alternatives)
    };
    for named in alternatives().filter(|alternative| alternative.field == "method") {
        let method = named.value.as_str();
        let is_dangerous = DANGERS.iter().any(|(_, methods)| methods.contains(&method));
        let call = format!("call {method}");
        if rune.may_allow(&[("method", method)])
            && !METHODS.contains(&method)
            && !is_dangerous
            && !found.contains(&call)
        {
            found.push(call);
        }
    }
    let own = store.label_prefix();
    // No store has the first one, and no store's own begins with the second one.
    let foreign = ["order-1".to_owned(), format!("purrwall/{store}-2/cat/x")];
    let may = |method: &str, label: &str, status: &str| {
        let fields = [
            ("method", method),
            ("pnamelabel", label),
            ("pnamestatus", status),
        ];
        rune.may_allow(&fields[..if method == "invoice" { 2 } else { 3 }])
    };
    if foreign.iter().any(|label| may("invoice", label, "")) {
        found.push(format!(
            "make invoices whose label does not begin with {own}"
        ));
    }
    if foreign
        .iter()
        .any(|label| may("delinvoice", label, "expired"))
    {
        found.push(format!(
            "delete invoices whose label does not begin with {own}"
        ));
    }
    if may("delinvoice", &format!("{own}cat/x"), "paid") {
        found.push("delete invoices that are not expired".to_owned());
    }
    let absurd = [
        ("method", "invoice"),
        ("pnameexpiry", "1152921504606846976"),
    ];
    if rune.may_allow(&absurd) {
        found.push("stop lightningd by an invoice that is valid for an absurd time".to_owned());
    }
    let has_rate =
        alternatives().any(|alternative| ["rate", "per"].contains(&alternative.field.as_str()));
    if !has_rate {
        found.push("make invoices as fast as lightningd can".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use lightningd::rune::{CODE, Restriction};

    use super::*;

    fn store() -> StoreId {
        "cats".parse().unwrap()
    }

    fn rune(restrictions: &[Vec<String>]) -> Rune {
        let all = restrictions
            .iter()
            .map(|alternatives| Restriction::parse(&alternatives.join("|")).unwrap());
        Rune {
            code: [7; CODE],
            all: all.collect(),
        }
    }

    fn judged(restrictions: &[&[&str]]) -> Findings {
        let restrictions: Vec<_> = restrictions
            .iter()
            .map(|alternatives| alternatives.iter().map(ToString::to_string).collect())
            .collect();
        judge(&rune(&restrictions), &store())
    }

    #[test]
    fn the_rune_of_a_store_allows_what_it_needs_and_no_more() {
        for rate in [0, 60] {
            let found = judge(&rune(&restrictions(&store(), rate)), &store());
            assert_eq!((&found.dangers, &found.missing), (&vec![], &vec![]));
            assert_eq!(found.needless.is_empty(), rate > 0, "{:?}", found.needless);
        }
        let other = judge(&rune(&restrictions(&store(), 60)), &"dogs".parse().unwrap());
        assert_eq!(other.missing, ["invoice", "delinvoice"]);
    }

    #[test]
    fn a_rune_that_could_spend_is_dangerous() {
        let every = DANGERS.map(|(what, _)| what);
        assert_eq!(judged(&[]).dangers, every, "no restriction");
        assert_eq!(judged(&[&["pnamelabel^purrwall/"]]).dangers, every);
        assert_eq!(judged(&[&["method/pay"], &["method/xpay"]]).dangers, every);
        let one = judged(&[&["method=getinfo", "method=pay", "method=createrune"]]);
        assert_eq!(one.dangers, ["pay (pay)", "make runes (createrune)"]);
        let begins = judged(&[&["method^with"], &["pnamedestination=bc1q"]]);
        assert_eq!(begins.dangers, ["withdraw (withdraw)"]);
    }

    #[test]
    fn what_is_wider_than_needed_is_told() {
        let recorded = judged(&[
            &METHODS
                .map(|method| ["method=", method].concat())
                .each_ref()
                .map(String::as_str),
            &["method/invoice", "pnamelabel^purrwall/"],
            &["method/delinvoice", "pnamelabel^purrwall/"],
            &["method/delinvoice", "pnamestatus=expired"],
        ]);
        assert_eq!((&recorded.dangers, &recorded.missing), (&vec![], &vec![]));
        let told = recorded.needless.join("; ");
        for named in [
            "make invoices whose label",
            "delete invoices whose label",
            "absurd",
            "as fast",
        ] {
            assert!(told.contains(named), "{told}");
        }
        assert!(!told.contains("not expired"), "{told}");
        let reads = judged(&[&["method^list", "method=getinfo"]]);
        assert!(
            reads.needless.contains(&"call list".to_owned()),
            "{reads:?}"
        );
        assert!(reads.missing.contains(&"invoice".to_owned()), "{reads:?}");
    }
}
