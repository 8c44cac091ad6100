//! A program that runs beside this one until it is told to stop.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{command::text, steps::seconds};

/// How long a server may take to become ready.
const TIME_TO_START: Duration = Duration::from_mins(1);
/// How long a server may take to end once it was asked to.
const TIME_TO_STOP: Duration = Duration::from_secs(10);

/// A running program. It is stopped when this value goes away.
pub(crate) struct Server {
    name: &'static str,
    process: Child,
    /// What it printed until it was ready.
    pub(crate) lines: Vec<String>,
}

impl Server {
    /// Starts a program and waits until it prints a line that contains `ready`; whatever it
    /// prints is passed on.
    pub(crate) fn start(name: &'static str, mut command: Command, ready: &str) -> Result<Self> {
        println!("$ {}", text(&command));
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // A group of its own: the terminal's Ctrl-C reaches us alone, and we pass it on.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{}`", text(&command)))?;
        let stdout = process.stdout.take().expect("stdout is a pipe");
        let mut server = Self {
            name,
            process,
            lines: Vec::new(),
        };
        match pass_on(stdout, ready.to_owned()).recv_timeout(TIME_TO_START) {
            Ok(lines) => {
                server.lines = lines;
                Ok(server)
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("{name} is not ready after {}", seconds(TIME_TO_START))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("{name} ended before it was ready, see above")
            }
        }
    }

    /// Fails when the program has ended by itself.
    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status})", self.name),
        }
    }

    /// Asks the program to end, waits until it has, and fails when it did not end in order.
    pub(crate) fn stop(mut self) -> Result<()> {
        let name = self.name;
        let status = self.terminate()?;
        if !status.success() {
            bail!("{name} did not end in order ({status})");
        }
        Ok(())
    }

    fn terminate(&mut self) -> Result<std::process::ExitStatus> {
        if let Some(status) = self.process.try_wait()? {
            return Ok(status);
        }
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < TIME_TO_STOP {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.process.kill()?;
        Ok(self.process.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.terminate() {
            eprintln!("cannot stop {}: {error:#}", self.name);
        }
    }
}

/// Copies a program's output to ours for as long as it prints; the receiver gets it up to the first
/// line that contains `ready`, and hears of the end.
fn pass_on(from: ChildStdout, ready: String) -> mpsc::Receiver<Vec<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut sender = Some(sender);
        let mut lines = Vec::new();
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // A closed terminal must not stop the program from being read.
            let _ = writeln!(std::io::stdout(), "{line}");
            if sender.is_none() {
                continue;
            }
            let is_ready = line.contains(&ready);
            lines.push(line);
            if is_ready && let Some(sender) = sender.take() {
                let _ = sender.send(std::mem::take(&mut lines));
            }
        }
    });
    receiver
}
