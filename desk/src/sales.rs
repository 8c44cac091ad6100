//! Sales: sums, plots, the list, and the whole as CSV.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use purrwall_gateway::LightningError;
use purrwall_gateway::sales::{Book, Sale, Sum};
use serde::Deserialize;
use shared::fiat::Rate;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_util::io::ReaderStream;

use crate::days::{date, moment, today};
use crate::desk::Desk;
use crate::figures::{number, sat, worth};
use crate::ledger::Progress;
use crate::listing::{Cursor, Listed, list};
use crate::pages::{Tab, page, token};
use crate::plot;
use crate::posted::Posted;
use crate::range::Range;
use crate::refused::Refused;
use crate::sessions::{Notice, Session};
use crate::summary::Totals;
use crate::words::{Words, said};

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    days: String,
    before: Option<String>,
}

/// `GET /sales`
pub(crate) async fn show(
    State(desk): State<Desk>,
    words: Words,
    session: Session,
    Query(asked): Query<Asked>,
) -> Response {
    let range = Range::parse(&asked.days);
    let (today, rates) = (today(), desk.gateway.catalogue().rates().all());
    // Before the sums: what is read meanwhile must not make them look complete.
    let reached = desk.ledger.progress();
    let totals = desk.ledger.totals(range.first(today));
    let books: Vec<_> = desk.ledger.books().cloned().collect();
    let listed = read(&books, asked.before.as_deref(), range.since(today)).await;
    let bars = range.bars(today, &totals.days);
    let content = html! {
        (choice(words, range))
        (progress(words, &reached))
        (sums(words, &totals.all, &rates))
        @if bars.iter().any(|bar| bar.sum.sales > 0) {
            section class="panel" {
                h2 { (words.t("By day")) }
                (plot::by_day(words, &bars))
            }
        }
        @if !totals.items.is_empty() {
            (by_item(&desk, words, &totals, &rates))
        }
        (sales(words, range, &listed, asked.before.is_some()))
        form method="post" action="/sales/rebuild" class="aside" {
            (token(&session))
            button class="quiet-button" type="submit" data-test="rebuild" { (words.t("Sum everything again")) }
        }
    };
    page(&desk, words, &session, Tab::Sales, &content).into_response()
}

async fn read(books: &[Book], before: Option<&str>, since: u64) -> Result<Listed, LightningError> {
    let cursor = match before.and_then(|text| text.parse().ok()) {
        Some(cursor) => cursor,
        None => Cursor::newest(books).await?,
    };
    list(books, &cursor, since).await
}

fn choice(words: Words, chosen: Range) -> Markup {
    html! {
        nav class="ranges" aria-label=(words.t("Days")) {
            @for range in Range::ALL {
                a href={ "/sales?days=" (range.key()) } aria-current=[(range == chosen).then_some("true")]
                    data-test={ "range-" (range.key()) } { (range.name(words)) }
            }
        }
    }
}

/// Says so where the sums are not complete.
fn progress(words: Words, progress: &Progress) -> Markup {
    let (read, newest) = (number(progress.read), number(progress.newest));
    html! {
        @if !progress.is_complete() {
            div class="told" role="status" data-test="incomplete" {
                p {
                    (words.fill("The sums are not complete yet: {read} of {newest} changes of lightningd’s book were read.",
                        &[("read", &read), ("newest", &newest)]))
                }
                @if let Some(trouble) = &progress.trouble {
                    p class="detail" lang="en" dir="ltr" { (trouble) }
                }
            }
        }
        @if progress.unreadable > 0 {
            p class="told failed" {
                (words.fill("{count} of lightningd’s invoices cannot be read, and are missing here.",
                    &[("count", &number(progress.unreadable))]))
            }
        }
    }
}

fn sums(words: Words, sum: &Sum, rates: &[Rate]) -> Markup {
    let more = sum.amount_received_msat.saturating_sub(sum.amount_msat);
    html! {
        dl class="tiles" {
            div class="tile" {
                dt { (words.t("Received")) }
                dd data-test="received" { (sat(sum.amount_received_msat)) }
                @if more > 0 {
                    dd class="small" { (words.fill("{more} more than asked", &[("more", &sat(more))])) }
                }
            }
            div class="tile" {
                dt { (words.t("Sales")) }
                dd data-test="sales" { (number(sum.sales)) }
            }
            @for rate in rates {
                div class="tile" {
                    dt { (words.fill("In {currency}", &[("currency", rate.currency.as_str())])) }
                    dd data-test={ "worth-" (rate.currency) } { (worth(sum.amount_received_msat, rate)) }
                    dd class="small" {
                        (words.fill("at {rate} for a bitcoin, the rate of {time}",
                            &[("rate", &rate.per_btc.to_string()), ("time", &moment(rate.at))]))
                    }
                }
            }
        }
    }
}

fn by_item(desk: &Desk, words: Words, totals: &Totals, rates: &[Rate]) -> Markup {
    let mut items: Vec<_> = totals.items.iter().collect();
    items.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.amount_received_msat));
    let largest = items.first().map_or(0, |(_, sum)| sum.amount_received_msat);
    let catalogue = desk.gateway.catalogue();
    let title = |id: &str| {
        let goods = catalogue.find(&id.parse().ok()?)?;
        Some(goods.title.clone())
    };
    html! {
        section class="panel" data-test="by-item" {
            h2 { (words.t("By item")) }
            div class="scroll" tabindex="0" role="region" aria-label=(words.t("By item")) {
                table class="figures" {
                    thead { tr {
                        th scope="col" { (words.t("Item")) }
                        th scope="col" class="wide" { span class="unseen" { (words.t("Part")) } }
                        th scope="col" class="right" { (words.t("Sales")) }
                        th scope="col" class="right" { (words.t("Received")) }
                        @for rate in rates { th scope="col" class="right" { (rate.currency) } }
                    } }
                    tbody {
                        @for (id, sum) in items {
                            tr data-test={ "sum-" (id) } {
                                th scope="row" {
                                    bdi { (title(id).as_deref().unwrap_or(id)) }
                                    @if title(id).is_some() { " " small dir="ltr" { (id) } }
                                }
                                td class="wide" { (plot::part(sum.amount_received_msat, largest)) }
                                td class="right" { (number(sum.sales)) }
                                td class="right" { (sat(sum.amount_received_msat)) }
                                @for rate in rates {
                                    td class="right" { (worth(sum.amount_received_msat, rate)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn sales(
    words: Words,
    range: Range,
    listed: &Result<Listed, LightningError>,
    is_later_page: bool,
) -> Markup {
    let days = range.key();
    let title = words.t("Each sale");
    html! {
        section class="panel" {
            div class="headline" {
                h2 { (title) }
                a class="plain" href={ "/sales.csv?days=" (days) } download data-test="csv" { (words.t("Save as CSV")) }
            }
            @match listed {
                Err(error) => {
                    p class="told failed" role="alert" data-test="no-list" {
                        (words.t("lightningd does not answer, so there is no list at the moment. The sums above are from before."))
                    }
                    p class="detail" lang="en" dir="ltr" { (error) ": " (error.remedy()) }
                }
                Ok(listed) => {
                    @if listed.sales.is_empty() {
                        p class="empty" data-test="no-sales" {
                            @if listed.next.is_some() {
                                (words.t("Only unpaid invoices are here. Look further back."))
                            } @else {
                                (words.t("Nothing was sold in these days."))
                            }
                        }
                    } @else {
                        div class="scroll" tabindex="0" role="region" aria-label=(title) {
                            table class="figures" data-test="list" {
                                thead { tr {
                                    th scope="col" { (words.t("Time (UTC)")) }
                                    th scope="col" { (words.t("Item")) }
                                    th scope="col" class="right" { (words.t("Price")) }
                                    th scope="col" class="right" { (words.t("Received")) }
                                    th scope="col" { (words.t("Payment hash")) }
                                } }
                                tbody {
                                    @for sale in &listed.sales { (row(sale)) }
                                }
                            }
                        }
                    }
                    p class="pager" {
                        @if is_later_page {
                            a class="plain" href={ "/sales?days=" (days) } { (words.t("Newest")) }
                        }
                        @if let Some(next) = &listed.next {
                            a class="plain" rel="next" data-test="older" href={ "/sales?days=" (days) "&before=" (next.text()) } {
                                (words.t("Older"))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(sale: &Sale) -> Markup {
    let hash = sale.payment_hash.to_hex();
    html! {
        tr {
            td class="time" { (moment(sale.paid_at)) }
            td dir="ltr" { (sale.item) }
            td class="right" { (sat(sale.amount_msat.0)) }
            td class="right" { (sat(sale.amount_received_msat.0)) }
            td { code title=(hash) { (hash[..16]) "…" } }
        }
    }
}

/// `POST /sales/rebuild`
pub(crate) async fn rebuild(State(desk): State<Desk>, posted: Posted) -> Redirect {
    desk.ledger.rebuild();
    let done = said("Everything is being summed again, from lightningd’s book.");
    desk.sessions.notify(&posted.session, Notice::Done(done));
    Redirect::to(Tab::Sales.path())
}

/// What may wait for a slow reader, in bytes.
const BUFFER: usize = 64 * 1024;

/// `GET /sales.csv`: all sales of these days, as they are read from lightningd.
pub(crate) async fn csv(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let range = Range::parse(&asked.days);
    let since = range.since(today());
    let books: Vec<_> = desk.ledger.books().cloned().collect();
    // What goes wrong at once is told; later an answer can only break off.
    let cursor = Cursor::newest(&books).await.map_err(|error| {
        let why = said("lightningd does not answer. Nothing was written. Try again later.");
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, why).detail(error.to_string())
    })?;
    let (writer, reader) = tokio::io::duplex(BUFFER);
    let (failed, failure) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        if let Err(error) = write(writer, &books, cursor, since).await {
            tracing::warn!("a list of sales broke off: {error}");
            failed.send(()).ok();
        }
    });
    let name = format!(
        "attachment; filename=\"sales-{}-{}.csv\"",
        range.key(),
        date(today())
    );
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    let stream = ReaderStream::new(Ending { reader, failure });
    Ok((headers, Body::from_stream(stream)).into_response())
}

#[derive(Debug, thiserror::Error)]
enum CsvError {
    #[error(transparent)]
    Lightning(#[from] LightningError),
    #[error(transparent)]
    Gone(#[from] std::io::Error),
}

async fn write(
    mut writer: DuplexStream,
    books: &[Book],
    cursor: Cursor,
    since: u64,
) -> Result<(), CsvError> {
    writer.write_all(Sale::CSV_HEADER.as_bytes()).await?;
    let mut next = Some(cursor);
    while let Some(cursor) = next {
        let listed = list(books, &cursor, since).await?;
        let lines: String = listed.sales.iter().map(Sale::csv).collect();
        writer.write_all(lines.as_bytes()).await?;
        next = listed.next;
    }
    Ok(())
}

/// What is read until the writer is done: if that failed, the answer breaks off instead of looking whole.
struct Ending {
    reader: DuplexStream,
    failure: tokio::sync::oneshot::Receiver<()>,
}

impl tokio::io::AsyncRead for Ending {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = std::pin::Pin::new(&mut self.reader).poll_read(cx, buffer);
        let is_end =
            matches!(read, std::task::Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if is_end {
            // The writer is gone, and with it the sender, unless it has sent.
            return std::pin::Pin::new(&mut self.failure)
                .poll(cx)
                .map(|failed| match failed {
                    Ok(()) => Err(std::io::ErrorKind::UnexpectedEof.into()),
                    Err(_) => Ok(()),
                });
        }
        read
    }
}
