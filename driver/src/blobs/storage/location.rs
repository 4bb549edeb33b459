//! Locations of files: `file:/dir`, `s3://bucket/prefix`, `azblob://container/prefix`, `gs://bucket/prefix`.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};

/// A location of files. It has no secret: credentials come from the environment and from profile files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A directory of this machine, as an absolute path.
    Directory(PathBuf),
    /// A bucket of S3 or of a compatible service.
    S3(Bucket),
    /// A container of Azure Blob Storage.
    Azure(Bucket),
    /// A bucket of Google Cloud Storage.
    Gcs(Bucket),
}

/// A bucket (Azure: container) and how to reach it. `None`: the service's usual environment variables apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// Prefix of every key: empty, or ends in `/`.
    pub prefix: String,
    /// `?endpoint=`: URL of the service.
    pub endpoint: Option<String>,
    /// `?region=`: S3 only.
    pub region: Option<String>,
    /// `?profile=`: profile of the AWS files with the credentials; S3 only.
    pub profile: Option<String>,
    /// `?path_style=`: the bucket is in the path instead of the host name; S3 only. Default: true if an endpoint is given.
    pub path_style: Option<bool>,
}

impl Location {
    /// Reads a location as given on a command line, where a directory may be relative to the current one.
    ///
    /// # Errors
    /// The text has none of the known forms.
    pub fn from_argument(text: &str) -> anyhow::Result<Self> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() && !path.starts_with('/') => {
                Ok(Self::Directory(normal(&std::path::absolute(path)?)?))
            }
            _ => text.parse(),
        }
    }
}

impl FromStr for Location {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let Some((scheme, rest)) = text.split_once(':') else {
            bail!(
                "\"{text}\" is no location of files: expected file:/directory, s3://bucket/prefix, azblob://container/prefix or gs://bucket/prefix"
            );
        };
        match scheme {
            "file" => {
                let path = rest
                    .strip_prefix("//")
                    .filter(|path| path.starts_with('/'))
                    .unwrap_or(rest);
                ensure!(
                    path.starts_with('/'),
                    "\"{text}\": the directory must be an absolute path"
                );
                Ok(Self::Directory(normal(Path::new(path))?))
            }
            "s3" => Ok(Self::S3(bucket(text, rest)?)),
            "azblob" | "azure" => Ok(Self::Azure(bucket(text, rest)?)),
            "gs" | "gcs" => Ok(Self::Gcs(bucket(text, rest)?)),
            _ => bail!("\"{text}\": unknown kind of storage \"{scheme}\": file, s3, azblob and gs are known"),
        }
    }
}

impl Location {
    /// The location as text that can be parsed again; it has no secret.
    pub fn url(&self) -> String {
        let (Self::S3(bucket) | Self::Azure(bucket) | Self::Gcs(bucket)) = self else {
            return self.to_string();
        };
        let path_style = bucket.path_style.map(|on| on.to_string());
        let parameters = [
            ("endpoint", &bucket.endpoint),
            ("region", &bucket.region),
            ("profile", &bucket.profile),
            ("path_style", &path_style),
        ];
        let parameters: Vec<String> = parameters
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")))
            .collect();
        if parameters.is_empty() {
            self.to_string()
        } else {
            format!("{self}?{}", parameters.join("&"))
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "file:{}", path.display()),
            Self::S3(bucket) => write!(f, "s3://{}/{}", bucket.name, bucket.prefix),
            Self::Azure(bucket) => write!(f, "azblob://{}/{}", bucket.name, bucket.prefix),
            Self::Gcs(bucket) => write!(f, "gs://{}/{}", bucket.name, bucket.prefix),
        }
    }
}

/// Checks that a key stays below its root: no absolute path, no `..`, no empty part.
///
/// # Errors
/// The message says what is wrong with the key.
pub fn check_key(key: &str) -> Result<(), String> {
    let fault = if key.is_empty() {
        "is empty"
    } else if key.starts_with('/') {
        "is an absolute path"
    } else if key.split('/').any(|part| part == "..") {
        "leaves its root by \"..\""
    } else if key.split('/').any(|part| part.is_empty() || part == ".") {
        "has an empty part"
    } else if key.chars().any(char::is_control) {
        "has a control character"
    } else {
        return Ok(());
    };
    Err(format!("key {key:?} {fault}"))
}

fn normal(path: &Path) -> anyhow::Result<PathBuf> {
    ensure!(
        !path.components().any(|part| part == Component::ParentDir),
        "\"{}\": a location must not contain \"..\"",
        path.display()
    );
    ensure!(
        path.parent().is_some(),
        "the root directory is no location for files"
    );
    Ok(path.components().collect())
}

fn bucket(text: &str, rest: &str) -> anyhow::Result<Bucket> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    ensure!(!name.is_empty(), "\"{text}\": no bucket is named");
    ensure!(
        !name.contains(['@', ':']),
        "\"{text}\": only a bucket's name may stand there; credentials come from the environment or a profile"
    );
    let prefix = prefix.trim_matches('/');
    if !prefix.is_empty() {
        check_key(prefix).map_err(anyhow::Error::msg)?;
    }
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let mut bucket = Bucket {
        name: name.to_owned(),
        prefix,
        ..Bucket::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .with_context(|| format!("\"{text}\": \"{pair}\" has no value"))?;
        match key {
            "endpoint" => bucket.endpoint = Some(value.to_owned()),
            "region" => bucket.region = Some(value.to_owned()),
            "profile" => bucket.profile = Some(value.to_owned()),
            "path_style" => {
                bucket.path_style = Some(value.parse().with_context(|| format!("\"{text}\": path_style"))?);
            }
            _ => bail!(
                "\"{text}\": unknown parameter \"{key}\": endpoint, region, profile and path_style are known"
            ),
        }
    }
    Ok(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_below_its_root() {
        for key in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "",
            "a//b",
            "a/./b",
            "a\0b",
            "..",
        ] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
        for key in ["binary/1/2", "a..b", "..a/b"] {
            assert_eq!(check_key(key), Ok(()));
        }
    }

    #[test]
    fn locations_are_read_in_all_their_forms() {
        let location = |text: &str| text.parse::<Location>().map(|location| location.to_string());
        assert_eq!(location("file:/srv/binary/").unwrap(), "file:/srv/binary");
        assert_eq!(location("file:///srv/binary").unwrap(), "file:/srv/binary");
        assert_eq!(location("s3:bucket").unwrap(), "s3://bucket/");
        assert_eq!(
            location("s3://bucket/a/b/?region=eu-west-1").unwrap(),
            "s3://bucket/a/b/"
        );
        let full = "s3://bucket/a/?endpoint=http://127.0.0.1:1&region=x&profile=y&path_style=true";
        assert_eq!(full.parse::<Location>().unwrap().url(), full);
        assert_eq!(location("gs://bucket/a").unwrap(), "gs://bucket/a/");
        assert_eq!(location("azblob:container/x").unwrap(), "azblob://container/x/");
        for wrong in [
            "",
            "/srv",
            "file:",
            "file:relative",
            "file:/a/../b",
            "file:/",
            "ftp://x",
            "s3://",
            "s3://key:secret@b",
            "s3://b?x=1",
        ] {
            assert!(location(wrong).is_err(), "{wrong:?}");
        }
    }
}
