//! Blocks signals in threads other than the backend's main thread.

/// As long as this lives, no signal is delivered to this thread, and a thread started meanwhile never gets any: the server's
/// handlers may run in the backend's main thread only.
pub struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    /// Blocks all signals.
    pub fn new() -> Self {
        // SAFETY: both sets are on the stack; the calls fill one and exchange the thread's mask for it.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
            SignalsBlocked { before }
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: puts back the mask that new() has found.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut());
        }
    }
}
