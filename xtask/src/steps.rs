//! Named steps with their times, so that everyone sees what is slow.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The steps of one command, in the order in which they ran.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Starts the clock of the whole command.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs one step under a heading; an error says which step it was.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n=== {name}");
        let started = Instant::now();
        let result = step().with_context(|| format!("step \"{name}\" failed"))?;
        let time = started.elapsed();
        println!("=== {name}: {}", seconds(time));
        self.done.push((name.to_owned(), time));
        Ok(result)
    }

    /// Prints every step with its time, and the sum.
    pub(crate) fn summary(&self) {
        println!();
        for (name, time) in &self.done {
            println!("{:>9}  {name}", seconds(*time));
        }
        println!("{:>9}  in all", seconds(self.started.elapsed()));
    }
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
