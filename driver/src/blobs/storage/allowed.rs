//! Which locations this process may use when the database names them.
//!
//! A worker reads, writes and signs requests with its own credentials. The location comes from a store's options or a row of
//! the queue: a role that may write these could otherwise direct a worker, with its credentials, to another host.

use super::location::{Bucket, Location};

/// Allows every location.
const ANY: &str = "*";

/// The allowed locations. By default every location is allowed that has no `endpoint=` and no `profile=`.
#[derive(Clone, Debug, Default)]
pub struct AllowedLocations {
    any: bool,
    list: Vec<Location>,
    caches: Vec<String>,
}

impl AllowedLocations {
    /// Reads locations as given on a command line; `*` allows all.
    ///
    /// # Errors
    /// A text is not a location.
    pub fn parse(texts: &[String]) -> anyhow::Result<Self> {
        let given = texts
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        let mut allowed = Self::default();
        for text in given {
            if text == ANY {
                allowed.any = true;
            } else if is_cache(text) {
                allowed.caches.push(text.to_owned());
            } else {
                allowed.list.push(Location::from_argument(text)?);
            }
        }
        Ok(allowed)
    }

    /// Checks whether a cache that the database names is allowed. If the operator listed locations, the cache must be
    /// among them, with the same host, port and database.
    ///
    /// # Errors
    /// The message says why it is not allowed, and how to allow it.
    pub fn check_cache(&self, url: &str) -> Result<(), String> {
        let place = without_login(url);
        let free = self.any || self.list.is_empty() && self.caches.is_empty();
        if free || self.caches.iter().any(|allowed| without_login(allowed) == place) {
            return Ok(());
        }
        Err(format!(
            "the database names the cache {place}, which is not allowed here; allow it with --allow-location '{place}'"
        ))
    }

    /// Checks whether a location that the database names is allowed.
    ///
    /// # Errors
    /// The message says why it is not allowed, and how to allow it.
    pub fn check(&self, location: &Location) -> Result<(), String> {
        if self.any || self.list.iter().any(|allowed| covers(allowed, location)) {
            return Ok(());
        }
        let url = location.url();
        if !self.list.is_empty() || !self.caches.is_empty() {
            return Err(format!(
                "the database names the place {url}, which is not allowed here; allow it with --allow-location '{url}'"
            ));
        }
        match location {
            Location::S3(Bucket {
                endpoint: None,
                profile: None,
                ..
            })
            | Location::Directory(_) => Ok(()),
            Location::Azure(bucket) | Location::Gcs(bucket) if bucket.endpoint.is_none() => Ok(()),
            _ => Err(format!(
                "the database names an endpoint or a profile in {url}, which would get this process's credentials; \
                 allow it with --allow-location '{url}'"
            )),
        }
    }
}

/// Whether a URL is that of a cache, which keeps no files.
fn is_cache(url: &str) -> bool {
    url.starts_with("redis://") || url.starts_with("rediss://")
}

/// A cache's URL without user and password.
fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rfind('@').map_or(rest, |at| &rest[at + 1..]);
            format!("{scheme}://{}", host.trim_end_matches('/'))
        }
        None => url.to_owned(),
    }
}

/// Whether `inner` equals `outer` or is below it, on the same service with the same credentials.
fn covers(outer: &Location, inner: &Location) -> bool {
    match (outer, inner) {
        (Location::Directory(outer), Location::Directory(inner)) => inner.starts_with(outer),
        (Location::S3(outer), Location::S3(inner))
        | (Location::Azure(outer), Location::Azure(inner))
        | (Location::Gcs(outer), Location::Gcs(inner)) => {
            outer.name == inner.name
                && inner.prefix.starts_with(&outer.prefix)
                && outer.endpoint == inner.endpoint
                && outer.profile == inner.profile
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(allowed: &[&str], location: &str) -> bool {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let allowed = AllowedLocations::parse(&allowed).unwrap();
        allowed.check(&location.parse().unwrap()).is_ok()
    }

    #[test]
    fn without_a_list_nobody_else_gets_the_credentials() {
        assert!(verdicts(&[], "file:/srv/x"));
        assert!(verdicts(&[], "s3://bucket/x?region=eu-west-1"));
        for location in [
            "s3://b?endpoint=http://evil",
            "s3://b?profile=admin",
            "gs://b?endpoint=http://evil",
            "azblob://c?endpoint=http://evil",
        ] {
            assert!(!verdicts(&[], location), "{location}");
            assert!(verdicts(&["*"], location), "{location}");
            assert!(verdicts(&[location], location), "{location}");
        }
    }

    #[test]
    fn a_cache_is_a_place_like_any_other() {
        let verdict = |allowed: &[&str], cache: &str| {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            AllowedLocations::parse(&allowed).unwrap().check_cache(cache)
        };
        let cache = "redis://app:secret@cache.internal:6379/1";
        assert_eq!(verdict(&[], cache), Ok(()));
        assert_eq!(verdict(&["*"], cache), Ok(()));
        assert_eq!(verdict(&["redis://cache.internal:6379/1"], cache), Ok(()));
        for allowed in [
            "file:/srv/files",
            "redis://cache.internal:6379/2",
            "redis://cache.internal:6380/1",
            "rediss://cache.internal:6379/1",
            "redis://cache.internal:6379@evil/1",
        ] {
            let refused = verdict(&[allowed], cache).unwrap_err();
            assert!(
                refused.contains("redis://cache.internal:6379/1") && !refused.contains("secret"),
                "{allowed}: {refused}"
            );
        }
        // A list of caches alone allows no location of files.
        assert!(!verdicts(&["redis://cache.internal"], "file:/srv/x"));
    }

    #[test]
    fn with_a_list_only_what_is_below_it() {
        let allowed = ["file:/srv/files", "s3://staging/a"];
        for good in [
            "file:/srv/files",
            "file:/srv/files/b",
            "s3://staging/a",
            "s3://staging/a/b",
        ] {
            assert!(verdicts(&allowed, good), "{good}");
        }
        for bad in [
            "file:/srv",
            "file:/srv/files2",
            "s3://staging",
            "s3://staging/ab",
            "s3://staging/a?endpoint=http://evil",
            "s3://staging/a?profile=admin",
            "s3://other/a",
            "gs://staging/a",
        ] {
            assert!(!verdicts(&allowed, bad), "{bad}");
        }
    }
}
