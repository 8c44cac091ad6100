//! On how many threads the program works.

use std::env;
use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// By this, whoever runs the program says how many threads; it is Tokio's own.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// One thread less than there are processors, because the node beside it needs one, too. On two processors, which its
/// clients shared, two threads gave 0.56 of a bare handler's status answers, and one gave 0.61. Files are read on other
/// threads.
pub(crate) fn start() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if env::var_os(THREADS).is_none() {
        let processors = available_parallelism().map_or(1, NonZero::get);
        builder.worker_threads(threads(processors));
    }
    builder.enable_all().build()
}

fn threads(processors: usize) -> usize {
    processors.saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::threads;

    #[test]
    fn one_processor_is_left_to_the_node_if_there_are_several() {
        assert_eq!([1, 2, 3, 16].map(threads), [1, 1, 2, 15]);
    }
}
