//! A task that runs in the background until it is stopped, and can be started again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::{AbortHandle, JoinHandle};

/// A place for one task.
#[derive(Default)]
pub(crate) struct Background {
    task: Mutex<Option<AbortHandle>>,
}

impl Background {
    /// Starts what `spawn` starts. It does nothing while a task is there.
    pub(crate) fn start<E>(
        &self,
        spawn: impl FnOnce() -> Result<JoinHandle<()>, E>,
    ) -> Result<(), E> {
        let mut task = self.task();
        if task.is_none() {
            *task = Some(spawn()?.abort_handle());
        }
        Ok(())
    }

    /// Ends the task, and with it everything that it owns.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
    }

    fn task(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
