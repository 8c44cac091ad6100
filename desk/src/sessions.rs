//! Who is signed in. Sessions live in memory: a restart ends them, and a new code begins another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use shared::content::ContentHash;

use crate::words::Said;

/// How long a session lasts.
const LASTS: Duration = Duration::from_hours(12);
/// More sessions than an owner has browsers; the oldest ends for another.
const MOST: usize = 16;
/// How many codes a client may try at once; each comes back after [`TRY_EVERY`].
const TRIES: NonZeroU32 = NonZeroU32::new(10).expect("it is not 0");
const TRY_EVERY: Duration = Duration::from_secs(6);
/// Clients that are remembered before those that may try again are forgotten.
const REMEMBERED: usize = 10_000;

/// The sessions of a desk.
pub(crate) struct Sessions {
    /// By the hash of the token in the cookie.
    open: Mutex<HashMap<ContentHash, Kept>>,
    tries: DefaultKeyedRateLimiter<IpAddr>,
    cookie: Cookie,
}

struct Kept {
    csrf: String,
    ends: Instant,
    notice: Option<Notice>,
}

/// A request's session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    key: ContentHash,
    /// What each form of it carries.
    pub(crate) csrf: String,
}

/// What the next page says on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Done(Said),
    Failed(Said),
}

/// How the cookie is called and kept.
struct Cookie {
    is_secure: bool,
}

/// Codes were tried too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyTries {
    pub(crate) retry_secs: u64,
}

impl Sessions {
    /// Nobody is signed in. `is_secure`: the desk is reached over TLS alone.
    pub(crate) fn new(is_secure: bool) -> Self {
        let quota = Quota::with_period(TRY_EVERY).expect("it is not 0");
        Self {
            open: Mutex::default(),
            tries: RateLimiter::keyed(quota.allow_burst(TRIES)),
            cookie: Cookie { is_secure },
        }
    }

    /// Counts an attempt to sign in.
    pub(crate) fn count_try(&self, client: IpAddr) -> Result<(), TooManyTries> {
        if self.tries.len() > REMEMBERED {
            self.tries.retain_recent();
        }
        self.tries.check_key(&around(client)).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            TooManyTries {
                retry_secs: wait.as_secs() + 1,
            }
        })
    }

    /// Begins a session; gives what `Set-Cookie` says.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub(crate) fn begin(&self) -> Result<String, getrandom::Error> {
        let (token, csrf) = (random()?, random()?);
        let now = Instant::now();
        let mut open = self.open();
        open.retain(|_, kept| kept.ends > now);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, kept)| kept.ends)
        {
            let oldest = *oldest.0;
            open.remove(&oldest);
        }
        let kept = Kept {
            csrf,
            ends: now + LASTS,
            notice: None,
        };
        open.insert(ContentHash::of(token.as_bytes()), kept);
        Ok(self.cookie.set(&token, LASTS))
    }

    /// The session of a request.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<Session> {
        let open = self.open();
        let mut tokens = self.cookie.sent(headers);
        tokens.find_map(|token| {
            let key = ContentHash::of(token.as_bytes());
            let kept = open.get(&key)?;
            (kept.ends > Instant::now()).then(|| Session {
                key,
                csrf: kept.csrf.clone(),
            })
        })
    }

    /// Ends a session; gives what `Set-Cookie` says.
    pub(crate) fn end(&self, session: &Session) -> String {
        self.open().remove(&session.key);
        self.cookie.set("", Duration::ZERO)
    }

    /// Lets the session's next page say this.
    pub(crate) fn notify(&self, session: &Session, notice: Notice) {
        if let Some(kept) = self.open().get_mut(&session.key) {
            kept.notice = Some(notice);
        }
    }

    /// What the page says on top.
    pub(crate) fn notice(&self, session: &Session) -> Option<Notice> {
        self.open().get_mut(&session.key)?.notice.take()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ContentHash, Kept>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cookie {
    /// No subdomain and no plain connection can set a cookie whose name begins like this.
    fn name(&self) -> &'static str {
        if self.is_secure {
            "__Host-purrwall-desk"
        } else {
            "purrwall-desk"
        }
    }

    fn set(&self, token: &str, lasts: Duration) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let (name, lasts) = (self.name(), lasts.as_secs());
        format!("{name}={token}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{secure}")
    }

    /// Every token that was sent under the name: anyone on the same host may have added one.
    fn sent<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let name = self.name();
        let values = headers.get_all(COOKIE).iter();
        let pairs = values.filter_map(|value| value.to_str().ok());
        let pairs = pairs.flat_map(|value| value.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let tokens = pairs.filter(move |(its_name, _)| *its_name == name);
        tokens.map(|(_, token)| token)
    }
}

/// An IPv4 address, or the IPv6 network of 64 bits that one customer has at least.
fn around(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// 32 random bytes in hex.
fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(ContentHash(bytes).to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::said;

    fn headers(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        let sent = format!("other=1; purrwall-desk=wrong; {pair}");
        HeaderMap::from_iter([(COOKIE, sent.parse().unwrap())])
    }

    #[test]
    fn a_session_is_known_by_its_cookie_until_it_ends() {
        let sessions = Sessions::new(false);
        let cookie = sessions.begin().unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
        let session = sessions.find(&headers(&cookie)).unwrap();
        let other = sessions.begin().unwrap();
        let other = sessions.find(&headers(&other)).unwrap();
        assert_ne!(session.csrf, other.csrf);
        sessions.notify(&session, Notice::Done(said("Signed out.")));
        assert_eq!(sessions.notice(&other), None);
        assert!(sessions.notice(&session).is_some());
        assert_eq!(sessions.notice(&session), None, "it is said once");
        assert!(sessions.end(&session).contains("Max-Age=0"));
        assert!(sessions.find(&headers(&cookie)).is_none());
        assert!(sessions.find(&HeaderMap::new()).is_none());
    }

    #[test]
    fn over_tls_the_cookie_never_leaves_it() {
        let cookie = Sessions::new(true).begin().unwrap();
        assert!(cookie.starts_with("__Host-purrwall-desk=") && cookie.ends_with("; Secure"));
    }

    #[test]
    fn there_are_only_so_many_sessions_and_tries() {
        let sessions = Sessions::new(false);
        let first = sessions.begin().unwrap();
        for _ in 0..MOST {
            sessions.begin().unwrap();
        }
        assert_eq!(sessions.open().len(), MOST);
        assert!(sessions.find(&headers(&first)).is_none());

        let client: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..TRIES.get() {
            sessions.count_try(client).unwrap();
        }
        let neighbour = "2001:db8::2".parse().unwrap();
        let TooManyTries { retry_secs } = sessions.count_try(neighbour).unwrap_err();
        assert!((1..=7).contains(&retry_secs));
        sessions
            .count_try("2001:db8:0:1::1".parse().unwrap())
            .unwrap();
    }
}
