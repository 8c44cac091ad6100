//! Plots as SVG, made here: they are read without script, and by screen readers as a table.

use maud::{Markup, html};

use crate::figures::{number, sat};
use crate::range::Bar;
use crate::words::Words;

/// The height of the drawing, in its own units; it is stretched to the width of the page.
const HEIGHT: u64 = 100;
/// The width of a bar and the gap after it.
const STEP: usize = 10;
const BAR: usize = 8;

/// What came, bar by bar.
pub(crate) fn by_day(words: Words, bars: &[Bar]) -> Markup {
    let received = bars.iter().map(|bar| bar.sum.amount_received_msat);
    let top = ceiling(received.max().unwrap_or_default());
    let width = bars.len() * STEP;
    let title = words.t("What came, by day");
    html! {
        figure class="plot" data-test="plot" {
            p class="scale" aria-hidden="true" { (sat(top)) }
            svg role="img" aria-label=(title) preserveAspectRatio="none"
                viewBox={ "0 0 " (width) " " (HEIGHT) } {
                @for line in [0, HEIGHT / 2, HEIGHT] {
                    line class="grid" x1="0" x2=(width) y1=(line) y2=(line) vector-effect="non-scaling-stroke" {}
                }
                @for (index, bar) in bars.iter().enumerate() {
                    @let height = height(bar.sum.amount_received_msat, top);
                    rect class="bar" x=(index * STEP + 1) y=(HEIGHT - height) width=(BAR) height=(height) {
                        title { (bar.name) ": " (sat(bar.sum.amount_received_msat)) }
                    }
                }
            }
            p class="ends" aria-hidden="true" {
                @if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
                    span { (first.name) } span { (last.name) }
                }
            }
            details {
                summary { (words.t("The same as a table")) }
                div class="scroll" tabindex="0" role="region" aria-label=(title) {
                    table class="figures" {
                        thead { tr {
                            th scope="col" { (words.t("Day")) }
                            th scope="col" class="right" { (words.t("Sales")) }
                            th scope="col" class="right" { (words.t("Received")) }
                        } }
                        tbody {
                            @for bar in bars.iter().rev().filter(|bar| bar.sum.sales > 0) {
                                tr {
                                    th scope="row" { (bar.name) }
                                    td class="right" { (number(bar.sum.sales)) }
                                    td class="right" { (sat(bar.sum.amount_received_msat)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One item's part of the whole, as a bar on its line.
pub(crate) fn part(of: u64, largest: u64) -> Markup {
    html! {
        svg class="part" aria-hidden="true" preserveAspectRatio="none" viewBox={ "0 0 " (HEIGHT) " 1" } {
            rect class="bar" x="0" y="0" height="1" width=(height(of, largest)) {}
        }
    }
}

/// Something that is there is seen.
fn height(msat: u64, top: u64) -> u64 {
    if msat == 0 || top == 0 {
        return 0;
    }
    let height = u128::from(msat) * u128::from(HEIGHT) / u128::from(top);
    u64::try_from(height).unwrap_or(HEIGHT).clamp(1, HEIGHT)
}

/// The next round amount: 1, 2 or 5 with zeros, in whole satoshi.
fn ceiling(msat: u64) -> u64 {
    let mut unit: u64 = 1000;
    loop {
        for step in [1, 2, 5] {
            match unit.checked_mul(step) {
                Some(round) if round >= msat => return round,
                Some(_) => {}
                None => return msat,
            }
        }
        let Some(next) = unit.checked_mul(10) else {
            return msat;
        };
        unit = next;
    }
}

#[cfg(test)]
mod tests {
    use purrwall_gateway::sales::Sum;

    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_amount() {
        for (msat, top) in [
            (0, 1000),
            (1000, 1000),
            (1001, 2000),
            (345_000, 500_000),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(ceiling(msat), top, "{msat}");
        }
    }

    #[test]
    fn bars_are_as_high_as_what_came() {
        let bar = |name: &str, received| Bar {
            name: name.to_owned(),
            sum: Sum {
                sales: u64::from(received > 0),
                amount_msat: received,
                amount_received_msat: received,
            },
        };
        let words = Words::accepted(&axum::http::HeaderMap::new());
        let bars = [
            bar("2026-11-27", 100_000),
            bar("2026-11-28", 0),
            bar("<b>", 1),
        ];
        let drawn = by_day(words, &bars).into_string();
        assert!(
            drawn.contains(r#"x="1" y="0" width="8" height="100""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"x="11" y="100" width="8" height="0""#));
        assert!(drawn.contains(r#"x="21" y="99" width="8" height="1""#));
        assert!(drawn.contains("&lt;b>") || drawn.contains("&lt;b&gt;"));
        assert!(!drawn.contains("style="));
    }
}
