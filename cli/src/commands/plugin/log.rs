//! The plugin's log, which is lightningd's.

use std::io;

use anyhow::Result;
use cln_plugin::Plugin;
use serde_json::json;
use tokio::sync::mpsc;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::commands::serve::log_filter;

/// Lines on their way to lightningd, each with its level.
pub(super) type Lines = mpsc::UnboundedReceiver<(&'static str, String)>;

pub(super) fn start() -> Result<Lines> {
    let (sender, lines) = mpsc::unbounded_channel();
    tracing_subscriber::fmt()
        .with_env_filter(log_filter()?)
        // lightningd writes time, level and the plugin's name.
        .without_time()
        .with_level(false)
        .with_ansi(false)
        .with_writer(ToLightningd(sender))
        .init();
    Ok(lines)
}

/// Hands the lines over until lightningd takes no more.
pub(super) async fn forward<S: Clone + Send + Sync>(mut lines: Lines, plugin: Plugin<S>) {
    while let Some((level, message)) = lines.recv().await {
        let line = json!({ "level": level, "message": message });
        if plugin
            .send_custom_notification("log".into(), line)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Makes a writer for each line of the log.
struct ToLightningd(mpsc::UnboundedSender<(&'static str, String)>);

struct Line {
    level: &'static str,
    sender: mpsc::UnboundedSender<(&'static str, String)>,
}

impl<'a> MakeWriter<'a> for ToLightningd {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            level: "info",
            sender: self.0.clone(),
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        Line {
            level,
            ..self.make_writer()
        }
    }
}

/// The subscriber writes a line at once.
impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        // Once lightningd is gone, nobody reads it.
        self.sender.send((self.level, text)).ok();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
