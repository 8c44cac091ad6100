//! How the system gives memory to the program.

use rustix::thread::disable_transparent_huge_pages;

/// Takes memory in small pages only. Large ones hold much that nobody has written to yet, above all in the
/// buffers of connections, which are mostly empty. The allocator asks for them, and some systems give them
/// unasked.
pub(crate) fn take_small_pages() {
    // A system without large pages knows nothing of it.
    disable_transparent_huge_pages(true).ok();
}
