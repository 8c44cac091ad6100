//! Health: what is stuck, and what will be. What cost a buyer money stands on top.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use purrwall_gateway::webhooks::{self, Told, Waiting, Which};
use purrwall_gateway::{KeyId, KeyUse, NodeReport, Secret, chain};
use tokio::task::spawn_blocking;

use crate::certificate::Certificate;
use crate::code::folder;
use crate::days::{date, day_of, moment, start_of, today, unix};
use crate::desk::{Desk, StoreFile};
use crate::figures::{bytes, number};
use crate::pages::{Tab, page, token};
use crate::posted::Posted;
use crate::refused::Refused;
use crate::sessions::{Notice, Session};
use crate::words::{Words, said};

/// Refusals are shown for so many days.
const SHOWN_DAYS: u64 = 30;
/// A webhook that waits longer than this is called stuck, in seconds.
const STUCK_SECS: u64 = 300;
/// A certificate that ends sooner was not renewed in time, in days.
const RENEWED_DAYS: u64 = 14;
/// Less than this on a disk is little, in bytes.
const LITTLE: u64 = 1_000_000_000;
/// Most refusals on the page.
const MOST_SHOWN: usize = 50;

/// How a line of the page is to be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Watch,
    Bad,
}

impl Mood {
    fn class(self) -> &'static str {
        match self {
            Self::Well => "state well",
            Self::Watch => "state watch",
            Self::Bad => "state bad",
        }
    }

    fn name(self, words: Words) -> &'static str {
        match self {
            Self::Well => words.t("Well"),
            Self::Watch => words.t("Look at this"),
            Self::Bad => words.t("Wrong"),
        }
    }
}

/// `GET /health`
pub(crate) async fn show(State(desk): State<Desk>, words: Words, session: Session) -> Response {
    let nodes = desk.gateway.node_reports().await;
    let reading = desk.clone();
    let read = spawn_blocking(move || Disks::read(&reading)).await;
    let disks = read.unwrap_or_default();
    let content = html! {
        (refusals(words, &desk))
        ul class="lines" {
            @for node in &nodes { (node_line(words, node)) }
            (open_invoices(words, &desk))
            @for disk in &disks.0 { (disk_line(words, disk)) }
            (certificate_line(words, &desk))
            (secret_line(words, &desk, &session))
        }
        (webhooks_panel(words, &desk, &session))
    };
    page(&desk, words, &session, Tab::Health, &content).into_response()
}

fn line(words: Words, state: Mood, title: &str, test: &str, told: &Markup) -> Markup {
    html! {
        li class="line" data-test=(test) {
            span class=(state.class()) { (state.name(words)) }
            h2 { (title) }
            div class="said" { (told) }
        }
    }
}

/// Buyers who paid and got nothing.
fn refusals(words: Words, desk: &Desk) -> Markup {
    let since = start_of(today().saturating_sub(SHOWN_DAYS));
    let refused = webhooks::refused(&desk.options.webhooks);
    let shown = |refused: Vec<Told>| -> Vec<Told> {
        let recent = refused.into_iter().filter(|told| told.refused_at >= since);
        recent.take(MOST_SHOWN).collect()
    };
    match refused.map(shown) {
        Err(error) => html! {
            p class="told failed" role="alert" {
                (words.t("It cannot be read whether buyers paid and were refused."))
                " " span lang="en" dir="ltr" { (error) }
            }
        },
        Ok(refused) if refused.is_empty() => html! {},
        Ok(refused) => html! {
            section class="panel alarm" data-test="refusals" {
                h2 { (words.t("Paid, but refused")) }
                p { (words.t("These buyers paid in the last thirty days, and did not get what they asked for.")) }
                div class="scroll" tabindex="0" role="region" aria-label=(words.t("Paid, but refused")) {
                    table class="figures" {
                        thead { tr {
                            th scope="col" { (words.t("Time (UTC)")) }
                            th scope="col" { (words.t("Item")) }
                            th scope="col" { (words.t("Why")) }
                            th scope="col" { (words.t("Payment hash")) }
                        } }
                        tbody {
                            @for told in &refused {
                                tr {
                                    td class="time" { (moment(told.refused_at)) }
                                    td dir="ltr" { (told.item) }
                                    td { (reason(words, &told.reason)) }
                                    td { code class="hash" { (told.payment_hash) } }
                                }
                            }
                        }
                    }
                }
            }
        },
    }
}

fn reason(words: Words, reason: &str) -> &str {
    match reason {
        "not_issued" => words.t("The store did not make this claim: if many buyers are refused, the secret was changed. Put the old one back."),
        "unknown_key" => words.t("The key of this claim was removed from the secret. Put it back if its buyers should still be served."),
        "other_item" => words.t("The buyer’s program sends the claim for another item."),
        "other_version" => words.t("The buyer’s program changed the claim."),
        "time_is_over" => words.t("The time that was sold is over. Nothing is wrong."),
        "odd_time" => words.t("The buyer’s program wrote a time in another unit than seconds."),
        "gone" => words.t("The version that was sold is missing. Put it back into the data folder’s goods, or refund the buyer."),
        "unconfirmed" => words.t("lightningd deleted the invoice. If it deletes paid ones, switch that off."),
        other => other,
    }
}

fn node_line(words: Words, report: &NodeReport) -> Markup {
    let title = words.t("Lightning node");
    let place = html! { bdi class="place" dir="ltr" { (report.place) } };
    match &report.word {
        Err(error) => line(
            words,
            Mood::Bad,
            title,
            "node",
            &html! {
                p { (words.t("It cannot be used. Nothing can be sold over it until it is back.")) " " (place) }
                p class="detail" lang="en" dir="ltr" { (error) }
            },
        ),
        Ok(node) => {
            let state = match (&node.syncing, report.is_followed) {
                (Some(_), _) | (_, false) => Mood::Watch,
                (None, true) => Mood::Well,
            };
            line(
                words,
                state,
                title,
                "node",
                &html! {
                    p { (place) " · " (node.network.name()) }
                    p { code class="hash" { (node.id) } }
                    @if let Some(syncing) = &node.syncing {
                        p { (words.t("It has not caught up with the chain yet, so it may not be paid.")) }
                        p class="detail" lang="en" dir="ltr" { (syncing) }
                    }
                    @if report.is_followed {
                        p data-test="followed" { (words.t("Its payments are followed.")) }
                    } @else {
                        p data-test="not-followed" { (words.t("Its payments are not followed at the moment: they are found when buyers ask.")) }
                    }
                },
            )
        }
    }
}

fn open_invoices(words: Words, desk: &Desk) -> Markup {
    let open = desk.gateway.open_invoices() as u64;
    let limits = &desk.options.limits;
    let bound = limits.open_invoices.map(|bound| u64::from(bound.get()));
    let most = u64::from(limits.most_open_invoices.get());
    let state = if open >= most {
        Mood::Bad
    } else if bound.is_some_and(|bound| open * 10 >= bound * 9) {
        Mood::Watch
    } else {
        Mood::Well
    };
    let (open, most) = (number(open), number(most));
    line(
        words,
        state,
        words.t("Open invoices"),
        "open-invoices",
        &html! {
            p {
                @match bound {
                    Some(bound) => (words.fill("{open} are open. From {bound} on, only networks without an open one get one; there are never more than {most}.",
                        &[("open", &open), ("bound", &number(bound)), ("most", &most)])),
                    None => (words.fill("{open} are open. There are never more than {most}.", &[("open", &open), ("most", &most)])),
                }
            }
        },
    )
}

/// The disks that the store writes to.
#[derive(Default)]
struct Disks(Vec<Disk>);

struct Disk {
    folder: PathBuf,
    free: io::Result<u64>,
}

impl Disks {
    fn read(desk: &Desk) -> Self {
        let store = desk.options.file.as_ref().map(StoreFile::folder);
        let folders = [Some(desk.options.data_dir.clone()), store];
        let mut disks: Vec<Disk> = Vec::new();
        let mut devices = Vec::new();
        for folder in folders.into_iter().flatten() {
            let device = fs::metadata(&folder)
                .map(|m| std::os::unix::fs::MetadataExt::dev(&m))
                .ok();
            if device.is_some() && devices.contains(&device) {
                continue;
            }
            devices.push(device);
            let free = free(&folder);
            disks.push(Disk { folder, free });
        }
        Self(disks)
    }
}

/// How many bytes may be written to the disk of a folder.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn disk_line(words: Words, disk: &Disk) -> Markup {
    let title = words.t("Disk");
    let folder = html! { bdi class="place" dir="ltr" { (disk.folder.display()) } };
    match &disk.free {
        Ok(free) => {
            let state = if *free < LITTLE {
                Mood::Watch
            } else {
                Mood::Well
            };
            line(
                words,
                state,
                title,
                "disk",
                &html! {
                    p { (words.fill("{free} are free.", &[("free", &bytes(*free))])) " " (folder) }
                },
            )
        }
        Err(error) => line(
            words,
            Mood::Bad,
            title,
            "disk",
            &html! {
                p { (words.t("It does not say how much is free.")) " " (folder) }
                p class="detail" lang="en" dir="ltr" { (error) }
            },
        ),
    }
}

fn certificate_line(words: Words, desk: &Desk) -> Markup {
    let title = words.t("Certificate");
    let Some(file) = &desk.certificate else {
        return html! {};
    };
    match file.read() {
        Ok(Certificate { ends_at, .. }) => {
            let now = unix(SystemTime::now());
            let days = ends_at.saturating_sub(now) / 86_400;
            let (state, told) = if ends_at <= now {
                (
                    Mood::Bad,
                    words.t("It has ended on {date}. Renew it: browsers refuse the store."),
                )
            } else if days < RENEWED_DAYS {
                (
                    Mood::Watch,
                    words.t("It ends on {date}, and was not renewed yet."),
                )
            } else {
                (Mood::Well, words.t("It ends on {date}."))
            };
            let told = told.replace("{date}", &date(day_of(ends_at)));
            line(words, state, title, "certificate", &html! { p { (told) } })
        }
        Err(error) => line(
            words,
            Mood::Bad,
            title,
            "certificate",
            &html! {
                p { (words.t("It cannot be read.")) }
                p class="detail" lang="en" dir="ltr" { (error) }
            },
        ),
    }
}

/// The key that claims are made with; `None` where the secret is not in a file of ours.
fn current_key(desk: &Desk) -> Option<KeyId> {
    let secret = Secret::load_if_there(desk.options.secret_file.as_deref()?).ok()??;
    let mut uses = secret.uses();
    uses.find(|(_, it)| *it == KeyUse::Current)
        .map(|(id, _)| id)
}

/// Where the owner's word is kept that there is a copy; it names the key.
fn backup_file(desk: &Desk) -> PathBuf {
    folder(&desk.options.data_dir).join("backup")
}

fn secret_line(words: Words, desk: &Desk, session: &Session) -> Markup {
    let Some(key) = current_key(desk) else {
        return html! {};
    };
    let noted = fs::read_to_string(backup_file(desk)).unwrap_or_default();
    let noted = noted.trim().split_once(' ');
    let noted = noted.filter(|(known, _)| *known == key.to_string());
    let when = noted.and_then(|(_, at)| at.parse().ok()).map(moment);
    let file = desk
        .options
        .secret_file
        .as_ref()
        .map(|file| file.display().to_string());
    let mood = if when.is_some() {
        Mood::Well
    } else {
        Mood::Watch
    };
    let told = html! {
        p {
            (words.t("Without the secret, nobody gets again what they bought. Copy this file to another place that only you can read:"))
            " " bdi class="place" dir="ltr" { (file.unwrap_or_default()) }
        }
        @if let Some(when) = when {
            p data-test="backed-up" {
                (words.fill("You noted on {time} that there is a copy of the key {key}.", &[("time", &when), ("key", &key.to_string())]))
            }
        } @else {
            form method="post" action="/health/backup" {
                (token(session))
                button class="plain" type="submit" data-test="note-backup" {
                    (words.fill("I have a copy of the key {key}", &[("key", &key.to_string())]))
                }
            }
        }
    };
    line(words, mood, words.t("Copy of the secret"), "secret", &told)
}

fn webhooks_panel(words: Words, desk: &Desk, session: &Session) -> Markup {
    let options = &desk.options.webhooks;
    if options.urls.is_empty() {
        return html! {};
    }
    let waiting = webhooks::waiting(options);
    html! {
        section class="panel" data-test="webhooks" {
            h2 { (words.t("Webhooks")) }
            @if desk.gateway.webhooks_are_stalled() {
                p class="told failed" role="alert" {
                    (words.t("Webhooks cannot be kept on the disk. Those of new payments wait at lightningd until there is room."))
                }
            }
            @match waiting {
                Err(error) => p class="told failed" role="alert" lang="en" dir="ltr" { (error) },
                Ok(waiting) => ul class="lines inner" {
                    @for one in &waiting { (waiting_line(words, one)) }
                }
            }
            form method="post" action="/health/resend" class="fields row" {
                (token(session))
                label for="which" { (words.t("Send again: a payment hash, or everything since a moment such as 2026-11-28 or 7d")) }
                input #which type="text" name="which" required dir="ltr" spellcheck="false" autocomplete="off" data-test="which";
                button class="plain" type="submit" data-test="resend" { (words.t("Send again")) }
            }
        }
    }
}

fn waiting_line(words: Words, waiting: &Waiting) -> Markup {
    let since = waiting.since.map(unix);
    let is_stuck = since.is_some_and(|since| since + STUCK_SECS < unix(SystemTime::now()));
    let state = match (waiting.count, is_stuck) {
        (0, _) => Mood::Well,
        (_, false) => Mood::Watch,
        (_, true) => Mood::Bad,
    };
    let count = number(waiting.count as u64);
    html! {
        li class="line" data-test="receiver" {
            span class=(state.class()) { (state.name(words)) }
            h3 dir="ltr" { (waiting.to) }
            p {
                @match since.map(moment) {
                    _ if waiting.count == 0 => (words.t("It has taken everything.")),
                    Some(time) if is_stuck => (words.fill("{count} wait, the oldest since {time}: this address does not take them. The log says why. They are sent again and again.", &[("count", &count), ("time", &time)])),
                    _ => (words.fill("{count} are on their way.", &[("count", &count)])),
                }
            }
        }
    }
}

/// `POST /health/resend`
pub(crate) async fn resend(State(desk): State<Desk>, posted: Posted) -> Result<Redirect, Refused> {
    let which = posted.get("which");
    let which = if let Ok(payment_hash) = which.parse() {
        Which::Of(payment_hash)
    } else {
        let moment = purrwall_gateway::sales::moment(which, SystemTime::now());
        Which::Since(moment.map_err(|error| {
            let why = said("This is neither a payment hash nor a moment. Nothing was sent.");
            Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why).detail(error)
        })?)
    };
    let dir = desk.options.webhooks.dir.clone();
    let count = desk
        .gateway
        .resend_webhooks(dir, which)
        .await
        .map_err(|error| {
            let why = said("No webhook could be sent again.");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, why).detail(chain(&error))
        })?;
    let notice = if count == 0 {
        Notice::Failed(said(
            "There is no such payment of this store’s. Nothing was sent.",
        ))
    } else {
        let done = said("{count} payments are reported again.");
        Notice::Done(done.with("count", number(count as u64)))
    };
    desk.sessions.notify(&posted.session, notice);
    Ok(Redirect::to(Tab::Health.path()))
}

/// `POST /health/backup`
pub(crate) async fn backup(State(desk): State<Desk>, posted: Posted) -> Result<Redirect, Refused> {
    if let Some(key) = current_key(&desk) {
        let text = format!("{key} {}\n", unix(SystemTime::now()));
        let path = backup_file(&desk);
        let written = fs::create_dir_all(folder(&desk.options.data_dir));
        let written = written.and_then(|()| durable::write(&path, text.as_bytes()));
        written.map_err(|error| {
            let why = said("This cannot be noted in the data folder.");
            Refused::new(StatusCode::INSUFFICIENT_STORAGE, why).detail(error.to_string())
        })?;
        desk.sessions
            .notify(&posted.session, Notice::Done(said("Noted.")));
    }
    Ok(Redirect::to(Tab::Health.path()))
}
